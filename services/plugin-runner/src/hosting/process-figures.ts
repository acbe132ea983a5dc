import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Keys of the kernel's auxiliary vector: how large a page is, and how many clock ticks a second has. */
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;
const PAGE_BYTES = auxiliary(AT_PAGESZ, 4_096);
const TICKS_A_SECOND = auxiliary(AT_CLKTCK, 100);

/** What the operating system says of one process. Where there is no /proc it says nothing. */
export class ProcessFigures {
  readonly #pid: number;
  /** Kept open: reading is one call then, and can never hit another process that was given the same id. */
  #statm: number | undefined;
  readonly #buffer = Buffer.alloc(128);
  #cpuSeconds = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#statm = quietly(() => openSync(`/proc/${pid}/statm`, 'r'));
  }

  /** Memory of the process that is in RAM now; undefined when nobody says. */
  residentBytes(): number | undefined {
    const statm = this.#statm;
    if (statm === undefined) return undefined;
    const length = quietly(() => readSync(statm, this.#buffer, 0, this.#buffer.length, 0)) ?? 0;
    const pages = Number(this.#buffer.toString('latin1', 0, length).split(' ')[1]);
    return pages > 0 ? pages * PAGE_BYTES : undefined;
  }

  /** Of all its threads, since it began; what was last seen, once it has ended. */
  cpuSeconds(): number {
    const fields = this.#fields();
    const ticks = Number(fields?.[11]) + Number(fields?.[12]);
    if (Number.isFinite(ticks)) this.#cpuSeconds = Math.max(this.#cpuSeconds, ticks / TICKS_A_SECOND);
    return this.#cpuSeconds;
  }

  /** Whether its first thread runs or waits for a processor; undefined when nobody says. */
  wantsProcessor(): boolean | undefined {
    const state = this.#fields()?.[0];
    return state === undefined ? undefined : state === 'R';
  }

  #fields(): string[] | undefined {
    if (this.#statm === undefined) return undefined;
    const stat = quietly(() => readFileSync(`/proc/${this.#pid}/stat`, 'latin1'));
    // The second field is the process's name in parentheses, which may itself contain spaces.
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  }

  close(): void {
    if (this.#statm !== undefined) closeSync(this.#statm);
    this.#statm = undefined;
  }
}

/** A value that the kernel tells every process when it begins; the same for all of them. */
function auxiliary(key: bigint, otherwise: number): number {
  const vector = quietly(() => readFileSync('/proc/self/auxv')) ?? Buffer.alloc(0);
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === key) return Number(vector.readBigUInt64LE(at + 8));
  }
  return otherwise;
}

/** A process may end between any two looks at it. */
function quietly<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
