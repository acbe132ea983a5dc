import type { Installation } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { LogLevel } from '../isolate/protocol.ts';
import { pause } from '../pause.ts';
import type { KnownSecrets } from './known-secrets.ts';
import type { LogRecords, NewLine } from './log-line.ts';
import { loggableMeta, loggableText } from './loggable.ts';
import { WaitingLines } from './waiting-lines.ts';

/** Lines are written together: soon enough to be watched live, late enough to be many. */
const WRITE_AFTER_MS = 200;
const WRITE_AGAIN_AT_MOST_MS = 5_000;
const BATCH = 500;
/** What a stopping runner waits for the database before it gives its last lines up. */
const LAST_WRITE_MS = 3_000;
const OLD_LINES_EVERY_MS = 60 * 60_000;
/** A plugin's lines are trimmed when this part of what is kept has come on top. */
const TRIM_AFTER_PART = 0.1;
/** Counting lines of more plugins than this costs more than a trim too many. */
const MOST_COUNTED = 10_000;

export interface PluginLogsOptions {
  records: LogRecords;
  secrets: Pick<KnownSecrets, 'maskFor'>;
  /** Lines kept of each plugin of each tenant. */
  keep: number;
  log: Logger;
}

/** Takes the lines of all plugins of this runner and writes them, in batches, to where every runner can read them. */
export class PluginLogs {
  readonly #options: PluginLogsOptions;
  readonly #waiting = new WaitingLines();
  readonly #sinceTrim = new Map<string, number>();
  readonly #stop = new AbortController();
  #writing: Promise<void> | undefined;
  #oldRemovedAt = -OLD_LINES_EVERY_MS;
  #failing = false;

  constructor(options: PluginLogsOptions) {
    this.#options = options;
  }

  /** Takes one line, without the plugin's secrets; never waits. The platform's own log has it too. */
  take(installation: Installation, level: LogLevel, message: string, meta?: unknown): void {
    const { tenant, pluginId, version } = installation;
    const mask = this.#options.secrets.maskFor(installation);
    const said = { message: loggableText(message, mask), meta: loggableMeta(meta, mask) };
    this.#options.log[level]({ tenant, pluginId, version, meta: said.meta ?? undefined }, `[plugin] ${said.message}`);
    this.#waiting.push({ tenant, pluginId, version, at: new Date(), level, ...said });
    this.#writing ??= this.#write();
  }

  /** Nothing that was said up to now will be written any more. */
  async forget(tenant: string, pluginId: string): Promise<void> {
    this.#waiting.drop(tenant, pluginId);
    await this.#waiting.inHand;
  }

  /** Resolves when every line is written, or the database does not take them in time. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.race([this.#writing, pause(LAST_WRITE_MS)]);
    const left = this.#waiting.size;
    if (left > 0) this.#options.log.error({ lines: left }, "The plugins' last log lines could not be stored");
  }

  async #write(): Promise<void> {
    // The time in which a line is joined by others; a runner that stops does not wait for more.
    await pause(WRITE_AFTER_MS, this.#stop.signal);
    for (let failures = 0; this.#waiting.size > 0;) {
      try {
        await this.#waiting.hand(BATCH, (lines) => this.#store(lines));
        failures = 0;
        this.#failing = false;
      } catch (error) {
        failures += 1;
        if (!this.#failing)
          this.#options.log.warn({ err: error }, "The plugins' log lines cannot be stored; trying again");
        this.#failing = true;
        if (this.#stop.signal.aborted) break;
        await pause(Math.min(WRITE_AFTER_MS * 2 ** failures, WRITE_AGAIN_AT_MOST_MS), this.#stop.signal);
      }
    }
    // In the same breath as the last look, so that no line is taken in between that nobody writes.
    this.#writing = undefined;
  }

  async #store(lines: NewLine[]): Promise<void> {
    const { records } = this.#options;
    await records.add(lines);
    // The lines are stored: what comes now only tidies up, and is done again if it fails.
    try {
      await this.#trim(lines);
      await this.#removeOld();
    } catch (error) {
      this.#options.log.warn({ err: error }, "The plugins' old log lines could not be removed; trying again");
    }
  }

  async #trim(lines: NewLine[]): Promise<void> {
    const { records, keep } = this.#options;
    const written = new Map<string, { tenant: string; pluginId: string; lines: number }>();
    for (const { tenant, pluginId } of lines) {
      const key = `${tenant}/${pluginId}`;
      written.set(key, { tenant, pluginId, lines: (written.get(key)?.lines ?? 0) + 1 });
    }
    for (const [key, { tenant, pluginId, lines: more }] of written) {
      // Of a plugin new to this runner nobody knows how many lines there are.
      const sinceTrim = (this.#sinceTrim.get(key) ?? Infinity) + more;
      if (sinceTrim >= keep * TRIM_AFTER_PART) {
        await records.trim(tenant, pluginId, keep);
        this.#sinceTrim.delete(key);
        this.#sinceTrim.set(key, 0);
      } else this.#sinceTrim.set(key, sinceTrim);
    }
    for (const key of this.#sinceTrim.keys()) {
      if (this.#sinceTrim.size <= MOST_COUNTED) break;
      this.#sinceTrim.delete(key);
    }
  }

  async #removeOld(): Promise<void> {
    if (performance.now() - this.#oldRemovedAt < OLD_LINES_EVERY_MS) return;
    await this.#options.records.removeOld();
    this.#oldRemovedAt = performance.now();
  }
}
