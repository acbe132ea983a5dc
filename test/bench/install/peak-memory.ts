import { writeFile } from 'node:fs/promises';
import { kernelFigures } from '../frame/kernel-figures.ts';

/** Of a process, what it holds of the machine's memory now and what it held at most since it was asked to forget. */
export interface ResidentMemory {
  nowMb: number;
  peakMb: number;
}

export async function residentMemory(pid: number): Promise<ResidentMemory> {
  const mb = await kernelFigures(pid, 'status');
  return { nowMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

/** The peak begins anew at what is resident now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
