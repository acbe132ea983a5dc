import { readFile } from 'node:fs/promises';

/** Reads the lines `Name: 123 kB` of a file about a process below /proc; only Linux tells. In MB. */
export async function kernelFigures(pid: number, file: 'status' | 'smaps_rollup'): Promise<(name: string) => number> {
  const text = await readFile(`/proc/${pid}/${file}`, 'utf8');
  return (name) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    if (!found) throw new Error(`The kernel does not tell ${name} of process ${pid}`);
    return Number(found[1]) / 1024;
  };
}
