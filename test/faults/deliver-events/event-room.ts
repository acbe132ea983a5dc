import { hearing } from '@verifywise/broker';
import { PluginFailed } from '@verifywise/contracts';
import type { Installation } from '@verifywise/contracts';
import { RunnerRoom } from '../../../services/plugin-runner/src/testing/runner-room.ts';
import { PARTITIONS } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { RunnerProcess } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase, databaseAt } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { PrivateBroker } from '../../support/private-broker.ts';
import { startPrivateBroker } from '../../support/private-broker.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import type { Emitted, Verdict } from './checker.ts';
import { check } from './checker.ts';
import { EmittingHost } from './emitting-host.ts';
import { History, historyPlugin } from './history.ts';

export const TENANTS = ['t1', 't2', 't3', 't4', 't5', 't6'];
/** Far less than runners can do: what is looked at is order and loss, also on a machine with much else to do. */
const EVERY_MS = 250;
/** After the worst of it a broker that was killed has to be found again, and a plugin waits for its next start. */
const HANDLED_WITHIN_MS = 90_000;

/** Runners, and a host that emits to six tenants on two versions of a plugin, with a broker and a network that may be broken. */
export class EventRoom {
  readonly broker: PrivateBroker;
  /** Between the runners and the broker. */
  readonly brokerNetwork: TcpProxy;
  /** Between the runners and their database. */
  readonly databaseNetwork: TcpProxy;
  readonly #room: RunnerRoom;
  readonly #history: History;
  readonly #hostDatabase: TestDatabase;
  readonly #runners: RunnerProcess[] = [];
  #host: EmittingHost | undefined;
  /** Of each tenant the last event that was in a verdict. */
  readonly #judged = new Map<string, number>();

  private constructor(parts: {
    broker: PrivateBroker;
    room: RunnerRoom;
    history: History;
    hostDatabase: TestDatabase;
    networks: [TcpProxy, TcpProxy];
  }) {
    this.broker = parts.broker;
    this.#room = parts.room;
    this.#history = parts.history;
    this.#hostDatabase = parts.hostDatabase;
    [this.brokerNetwork, this.databaseNetwork] = parts.networks;
  }

  static async open(): Promise<EventRoom> {
    const broker = await startPrivateBroker();
    const room = await RunnerRoom.open({ brokerUrl: broker.url });
    const networks: [TcpProxy, TcpProxy] = [await TcpProxy.before(broker.url), await TcpProxy.before(room.databaseUrl)];
    const parts = { broker, room, history: await History.open(), hostDatabase: await createDatabase(), networks };
    const events = new EventRoom(parts);
    await events.#goOnAfterFailures();
    await events.startRunner();
    await events.startRunner();
    for (const [index, tenant] of TENANTS.entries()) {
      const version = index % 2 === 0 ? '1.0.0' : '2.0.0';
      const granted = ['events:listen', 'http:outbound'];
      await room.enabled({ tenant, version, granted, code: historyPlugin(parts.history.address, version) });
    }
    await events.startHost();
    return events;
  }

  async close(): Promise<void> {
    await this.#host?.kill();
    for (const network of [this.brokerNetwork, this.databaseNetwork]) network.become('open');
    await this.#room.close();
    await this.#hostDatabase.drop();
    this.#history.close();
    await this.brokerNetwork.close();
    await this.databaseNetwork.close();
    await this.broker.stop();
  }

  get runners(): readonly RunnerProcess[] {
    return this.#runners;
  }

  async startRunner(): Promise<RunnerProcess> {
    const runner = await this.#room.startRunner({
      BROKER_URL: this.brokerNetwork.urlOf(this.broker.url),
      DATABASE_URL: this.databaseNetwork.urlOf(this.#room.databaseUrl),
      PLUGIN_DATABASE_URL: this.#room.databaseUrl,
      PLUGIN_EGRESS_ALLOW: this.#history.address,
    });
    this.#runners.push(runner);
    return runner;
  }

  async endRunner(runner: RunnerProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#runners.splice(this.#runners.indexOf(runner), 1);
    await runner.stop(signal);
  }

  async startHost(): Promise<void> {
    this.#host = await EmittingHost.start({
      ...{ brokerUrl: this.broker.url, databaseUrl: this.#hostDatabase.url, partitions: PARTITIONS },
      ...{ tenants: TENANTS, everyMs: EVERY_MS },
    });
  }

  async killHost(): Promise<void> {
    await this.#host?.kill();
  }

  /** The next event of this tenant ends the process of whoever handles it. */
  poison(tenant: string): void {
    this.#host?.poison(tenant);
  }

  /** Resolves when so many more events have been handled. */
  async handledMore(count: number): Promise<void> {
    const aim = this.#history.calls.length + count;
    await eventually(
      () => {
        if (this.#history.calls.length < aim) throw new Error('Events are not handled any more');
      },
      { within: HANDLED_WITHIN_MS },
    );
  }

  /**
   * Stops emitting, waits for everything that was committed since the last verdict, and compares it with what the plugins have done.
   * Emits again afterwards.
   */
  async verdict(): Promise<Verdict & { emitted: number }> {
    await this.#host?.stopEmitting();
    const emitted = await this.#emitted();
    const ids = new Set(emitted.map(({ eventId }) => eventId));
    const calls = () => this.#history.calls.filter(({ eventId }) => ids.has(eventId));
    const verdict = async () => check(emitted, calls(), await this.#setAside());
    await eventually(
      async () => {
        const { lost } = await verdict();
        if (lost.length > 0) throw new Error(`${lost.length} of ${emitted.length} events have not arrived`);
      },
      { within: HANDLED_WITHIN_MS },
    ).catch(() => undefined);
    const result = { ...(await verdict()), emitted: emitted.length };
    for (const { tenant, sequence } of emitted) this.#judged.set(tenant, sequence);
    await this.#host?.kill();
    await this.startHost();
    return result;
  }

  async #emitted(): Promise<Emitted[]> {
    const { rows } = await databaseAt(this.#hostDatabase.url).query('SELECT * FROM sent ORDER BY tenant, sequence');
    return rows
      .map(({ tenant, sequence, event_id }) => ({
        ...{ tenant: String(tenant), sequence: Number(sequence), eventId: String(event_id) },
      }))
      .filter(({ tenant, sequence }) => sequence > (this.#judged.get(tenant) ?? 0));
  }

  async #setAside(): Promise<Set<string>> {
    const rows = await this.#room.rows<{ event_id: string }>('SELECT event_id FROM plugin_runner.failed_deliveries');
    return new Set(rows.map(({ event_id }) => event_id));
  }

  /** What an installer does whose error budget is never used up. */
  async #goOnAfterFailures(): Promise<void> {
    await this.#room.broker.subscribe('installer', [
      hearing(PluginFailed, async ({ pluginId }, { tenant }) => {
        const known = this.#room.truth.get(`${tenant}/${pluginId}`);
        if (known) await this.#room.settle(anew(known, this.#room.nextGeneration()));
      }),
    ]);
  }
}

function anew(installation: Installation, generation: number): Installation {
  return { ...installation, generation };
}
