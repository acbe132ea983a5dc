import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.ts';

const FOLDER = join(import.meta.dirname, '..');
const ENDING = '.bench.ts';

/** Every bench there is, by name: whoever adds one adds a file `<name>.bench.ts`. */
export async function allBenches(): Promise<Map<string, Bench>> {
  const names = (await readdir(FOLDER)).filter((file) => file.endsWith(ENDING)).sort();
  const benches = new Map<string, Bench>();
  for (const file of names) {
    const { bench } = (await import(join(FOLDER, file))) as { bench: Bench };
    benches.set(file.slice(0, -ENDING.length), bench);
  }
  return benches;
}
