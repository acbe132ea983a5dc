import type { NewLine } from './log-line.ts';

/** One plugin may not fill what all share. */
const MOST_OF_ONE_PLUGIN = 2_000;
const MOST_IN_ALL = 20_000;
/** Lines may be long: what waits in memory is bounded by characters too. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

interface Counted {
  waiting: number;
  lost: number;
  /** Of the last line that was lost. */
  last: NewLine | undefined;
}

/** Lines that are not stored yet, in order; bounded, and what does not fit is counted and told in the log it belongs to. */
export class WaitingLines {
  #lines: NewLine[] = [];
  readonly #plugins = new Map<string, Counted>();
  readonly #losing = new Set<string>();
  #characters = 0;
  /** Being stored now. */
  #handed: NewLine[] = [];
  #inHand: Promise<void> = Promise.resolve();
  /** Whose lines in hand are not to come back when they cannot be stored. */
  readonly #dropped = new Set<string>();

  get size(): number {
    return this.#lines.length + this.#handed.length;
  }

  /** Settles when the lines that are being stored now are stored, or are not. */
  get inHand(): Promise<void> {
    return this.#inHand;
  }

  push(line: NewLine): void {
    const plugin = this.#of(line);
    const full = this.size >= MOST_IN_ALL || this.#characters >= MOST_CHARACTERS;
    if (full || plugin.waiting >= MOST_OF_ONE_PLUGIN) {
      plugin.lost += 1;
      plugin.last = line;
      this.#losing.add(keyOf(line));
      return;
    }
    this.#add(line, plugin);
  }

  /** Gives the oldest lines to `store`; those it rejects wait again, where they were. */
  async hand(most: number, store: (lines: NewLine[]) => Promise<void>): Promise<void> {
    const lines = this.#lines.splice(0, most);
    this.#handed = lines;
    const stored = store(lines);
    this.#inHand = stored.catch(() => undefined);
    try {
      await stored;
      this.#handed = [];
      for (const line of lines) this.#done(line);
      for (const key of this.#losing) this.#tellLost(key);
    } catch (error) {
      this.#handed = [];
      for (const line of lines) if (this.#dropped.has(keyOf(line))) this.#done(line);
      this.#lines = [...lines.filter((line) => !this.#dropped.has(keyOf(line))), ...this.#lines];
      throw error;
    } finally {
      this.#dropped.clear();
    }
  }

  drop(tenant: string, pluginId: string): void {
    const key = keyOf({ tenant, pluginId });
    const plugin = this.#plugins.get(key);
    if (!plugin) return;
    plugin.lost = 0;
    this.#losing.delete(key);
    if (this.#handed.some((line) => keyOf(line) === key)) this.#dropped.add(key);
    const leaving = this.#lines.filter((line) => keyOf(line) === key);
    this.#lines = this.#lines.filter((line) => keyOf(line) !== key);
    for (const line of leaving) this.#done(line);
  }

  #of(line: NewLine): Counted {
    const key = keyOf(line);
    const known = this.#plugins.get(key);
    if (known) return known;
    const counted: Counted = { waiting: 0, lost: 0, last: undefined };
    this.#plugins.set(key, counted);
    return counted;
  }

  #add(line: NewLine, plugin: Counted): void {
    plugin.waiting += 1;
    this.#characters += charactersOf(line);
    this.#lines.push(line);
  }

  #done(line: NewLine): void {
    const key = keyOf(line);
    const plugin = this.#plugins.get(key);
    this.#characters -= charactersOf(line);
    if (!plugin) return;
    plugin.waiting -= 1;
    if (plugin.waiting === 0 && plugin.lost === 0) this.#plugins.delete(key);
  }

  /** There is room again: the log says how much of it is missing, where it is missing. */
  #tellLost(key: string): void {
    const plugin = this.#plugins.get(key);
    if (!plugin?.last || plugin.waiting >= MOST_OF_ONE_PLUGIN) return;
    const { lost, last } = plugin;
    this.#losing.delete(key);
    plugin.lost = 0;
    plugin.last = undefined;
    const message = `${lost} ${lost === 1 ? 'line' : 'lines'} of the plugin's log could not be kept: the store of logs did not keep up`;
    this.#add({ ...last, level: 'warn', message, meta: null }, plugin);
  }
}

function keyOf({ tenant, pluginId }: Pick<NewLine, 'tenant' | 'pluginId'>): string {
  return `${tenant}/${pluginId}`;
}

function charactersOf({ message, meta }: NewLine): number {
  return message.length + (meta?.length ?? 0);
}
