import { readFile } from 'node:fs/promises';

export interface ProcessMemory {
  /** Its own memory and its share of what it has in common with others. */
  pssMb: number;
  /** What would be free without it. */
  privateMb: number;
}

/** Of one process, from /proc; only Linux tells. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup);
    if (!found) throw new Error(`The kernel does not tell ${name} of process ${pid}`);
    return Number(found[1]);
  };
  return { pssMb: kb('Pss') / 1024, privateMb: (kb('Private_Clean') + kb('Private_Dirty')) / 1024 };
}

/** The mean of several processes: so much more is needed for one more. */
export async function meanMemoryOf(pids: readonly number[]): Promise<ProcessMemory> {
  const all = await Promise.all(pids.map(memoryOf));
  const mean = (part: keyof ProcessMemory) => all.reduce((sum, one) => sum + one[part], 0) / all.length;
  return { pssMb: mean('pssMb'), privateMb: mean('privateMb') };
}
