import { kernelFigures } from '../frame/kernel-figures.ts';

export interface ProcessMemory {
  /** Its own memory and its share of what it has in common with others. */
  pssMb: number;
  /** What would be free without it. */
  privateMb: number;
}

/** Of one process, from /proc; only Linux tells. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const mb = await kernelFigures(pid, 'smaps_rollup');
  return { pssMb: mb('Pss'), privateMb: mb('Private_Clean') + mb('Private_Dirty') };
}

/** The mean of several processes: so much more is needed for one more. */
export async function meanMemoryOf(pids: readonly number[]): Promise<ProcessMemory> {
  const all = await Promise.all(pids.map(memoryOf));
  const mean = (part: keyof ProcessMemory) => all.reduce((sum, one) => sum + one[part], 0) / all.length;
  return { pssMb: mean('pssMb'), privateMb: mean('privateMb') };
}
