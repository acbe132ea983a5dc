import { readFile } from 'node:fs/promises';

/** What Linux counts processor time in for those who ask, whatever the kernel was built with. */
const TICKS_A_SECOND = 100;

/** Microseconds of processor time that the processes have used together, by what they did until `work` had ended. */
export async function processorTime(pids: readonly number[], work: () => Promise<void>): Promise<number> {
  const before = await usedBy(pids);
  await work();
  return ((await usedBy(pids)) - before) * (1_000_000 / TICKS_A_SECOND);
}

async function usedBy(pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(pids.map(ticksOf));
  return ticks.reduce((sum, each) => sum + each, 0);
}

async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // The second field is the process's name in parentheses, which may itself contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
