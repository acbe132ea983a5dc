import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { answering, hearing } from '@verifywise/broker';
import type { Installation, JobOutcome, PluginFailure, WebhookDelivery, WebhookOutcome } from '@verifywise/contracts';
import { DeliverWebhook, JobFinished, PluginFailed, RunJob, ScheduleJob, fact } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from './recorder.ts';
import { isAlive } from './runner-process.ts';
import type { IsolateView, RunnerProcess } from './runner-process.ts';
import { RunnerRoom } from './runner-room.ts';

/** The tenant whose plugin is hostile; `neighbour` is another plugin of it. */
export const ACME = 'acme';
/** Another tenant, with another version of the same plugin. */
export const GLOBEX = 'globex';
export const HOSTILE = 'recorder';
const NEIGHBOUR = 'neighbour';
/** A neighbour answers in milliseconds; this machine may be busy with what the hostile one does. */
const NEIGHBOUR_ANSWERS_WITHIN_MS = 5_000;
const WORK_DEADLINE_MS = 20_000;

/** What a hostile plugin may ask for: everything. */
const EVERYTHING = [
  'events:listen',
  'events:emit',
  'config:read',
  'config:write',
  'filters:add',
  'middleware:inject',
  'database:read',
  'database:write',
];

/** A runner with one hostile plugin at a time, and two neighbours that must not notice. */
export class Neighbourhood {
  readonly room: RunnerRoom;
  readonly runner: RunnerProcess;
  readonly failures: (PluginFailure & { tenant: string | null })[] = [];
  readonly jobs: JobOutcome[] = [];
  #risks = 0;
  #logBefore = 0;
  #hostile: Installation | undefined;

  private constructor(room: RunnerRoom, runner: RunnerProcess) {
    this.room = room;
    this.runner = runner;
  }

  static async open(env: Record<string, string>): Promise<Neighbourhood> {
    const room = await RunnerRoom.open();
    try {
      return await Neighbourhood.#settled(room, await room.startRunner(env));
    } catch (error) {
      await room.close();
      throw error;
    }
  }

  static async #settled(room: RunnerRoom, runner: RunnerProcess): Promise<Neighbourhood> {
    const neighbourhood = new Neighbourhood(room, runner);
    await room.broker.answerQuestions('scheduler', [
      answering(ScheduleJob, ({ name, timing }) => {
        return { name, timing, nextRun: null, lastRun: null, lastOutcome: null, attempts: 0, paused: false };
      }),
    ]);
    await room.broker.subscribe('installer', [
      hearing(PluginFailed, (failure, { tenant }) =>
        Promise.resolve(void neighbourhood.failures.push({ ...failure, tenant })),
      ),
      hearing(JobFinished, (outcome) => Promise.resolve(void neighbourhood.jobs.push(outcome))),
    ]);
    await room.enabled({ tenant: ACME, id: NEIGHBOUR, code: recorder() });
    await room.enabled({ tenant: GLOBEX, id: HOSTILE, version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    return neighbourhood;
  }

  close(): Promise<void> {
    return this.room.close();
  }

  /** Installs a file of `testing/hostile` in acme, as version 1.0.0 of the plugin that globex has too. */
  async install(file: string, values: Record<string, unknown> = {}): Promise<Installation> {
    const code = await readFile(join(import.meta.dirname, 'hostile', `${file}.js`), 'utf8');
    const config = Object.fromEntries(['hook', 'throws', 'bomb'].map((key) => [key, { type: 'string' }]));
    this.failures.length = 0;
    this.#logBefore = this.runner.lines.length;
    this.#hostile = await this.room.install({
      tenant: ACME,
      id: HOSTILE,
      code,
      granted: EVERYTHING,
      manifest: { config },
      config: { values, secrets: {} },
    });
    return this.#hostile;
  }

  async enabled(file: string): Promise<void> {
    this.#hostile = await this.room.enable(await this.install(file));
  }

  /** The hostile plugin goes, whatever state it is in, and its process with it. */
  async forget(): Promise<void> {
    if (!this.#hostile) return;
    const pid = (await this.isolate())?.pid;
    await this.room.forget(this.#hostile);
    this.#hostile = undefined;
    await eventually(async () => expect(await this.isolate()).toBeUndefined());
    if (pid != null) await eventually(() => expect(isAlive(pid)).toBe(false));
  }

  async isolate(): Promise<IsolateView | undefined> {
    const all = await this.runner.isolates();
    return all.find(({ tenant, pluginId }) => tenant === ACME && pluginId === HOSTILE);
  }

  /** The event that makes hostile plugins hostile. */
  async provoke(payload: Record<string, unknown> = {}): Promise<void> {
    const id = randomUUID();
    const whole = { riskId: 1, eventId: id, timestamp: new Date().toISOString(), ...payload };
    await this.room.broker.publish(fact('risk.deleted'), { id, tenant: ACME, payload: { tenant: ACME, ...whole } });
  }

  /** What the runner has logged since the hostile plugin was installed. */
  said(words: RegExp): string[] {
    return this.runner.lines.slice(this.#logBefore).filter((line) => words.test(line));
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    const signal = AbortSignal.timeout(WORK_DEADLINE_MS);
    return this.runner.fetch(ACME, `/api/plugins/${HOSTILE}${path}`, { signal, ...init });
  }

  webhook(name: string): Promise<WebhookOutcome> {
    const payload: WebhookDelivery = {
      pluginId: HOSTILE,
      webhook: name,
      requestId: randomUUID(),
      method: 'POST',
      url: '',
      headers: {},
      bodyBase64: '',
      receivedAt: new Date().toISOString(),
    };
    return this.room.broker.sendAndWait(DeliverWebhook, { tenant: ACME, payload }, { deadlineMs: WORK_DEADLINE_MS });
  }

  async job(schedule: string, limitMs: number): Promise<JobOutcome> {
    const fireId = randomUUID();
    const dueAt = new Date().toISOString();
    const payload = { pluginId: HOSTILE, schedule, fireId, attempt: 0, data: {}, dueAt, limitMs };
    await this.room.broker.send(RunJob, { tenant: ACME, payload });
    return eventually(() => {
      const finished = this.jobs.find((outcome) => outcome.fireId === fireId);
      if (!finished) throw new Error('The job has not finished');
      return finished;
    });
  }

  /** While `harm` is done, and after it, both neighbours answer requests and hear every event once and in order. */
  async unhurt(harm: () => Promise<unknown>): Promise<void> {
    const under = { way: true };
    const done = harm().finally(() => (under.way = false));
    // Looked at when the harm is done; until then its failure is nobody's yet.
    done.catch(() => undefined);
    do await this.#neighboursWork();
    while (under.way);
    await done;
    await this.#neighboursWork();
    expect([this.runner.child.exitCode, this.runner.child.signalCode]).toEqual([null, null]);
  }

  async #neighboursWork(): Promise<void> {
    this.#risks += 1;
    const risk = this.#risks;
    await Promise.all([this.room.emitRisk(ACME, risk), this.room.emitRisk(GLOBEX, risk)]);
    const all = Array.from({ length: risk }, (_, index) => index + 1);
    const seen = async (tenant: string, plugin: string) => {
      const signal = AbortSignal.timeout(NEIGHBOUR_ANSWERS_WITHIN_MS);
      const answer = await this.runner.fetch(tenant, `/api/plugins/${plugin}/seen`, { signal });
      return ((await answer.json()) as { seen: number[] }).seen;
    };
    await eventually(async () => expect(await seen(ACME, NEIGHBOUR)).toEqual(all));
    await eventually(async () => expect(await seen(GLOBEX, HOSTILE)).toEqual(all));
  }
}
