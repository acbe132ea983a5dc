import { readFile, writeFile } from 'node:fs/promises';

/** Of a process, what it holds of the machine's memory now and what it held at most since it was asked to forget. */
export interface ResidentMemory {
  nowMb: number;
  peakMb: number;
}

export async function residentMemory(pid: number): Promise<ResidentMemory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (!found) throw new Error(`The kernel does not tell ${name} of process ${pid}`);
    return Number(found[1]) / 1024;
  };
  return { nowMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

/** The peak begins anew at what is resident now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
