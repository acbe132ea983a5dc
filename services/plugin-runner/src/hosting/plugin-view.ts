import type { Hosted } from './hosted.ts';
import type { IsolateState } from './isolate-process.ts';
import type { LastCrash } from './isolate-record.ts';
import type { PluginCondition } from './plugin-condition.ts';
import type { Stage } from './stage.ts';

/** A hosted plugin and its isolate as operators see them. */
export interface PluginView {
  tenant: string;
  pluginId: string;
  version: string;
  stage: Stage;
  state: IsolateState;
  /** Of the state. */
  since: Date;
  /** Enabled, and stopped because it had nothing to do. */
  sleeping: boolean;
  pid: number | null;
  startedAt: Date | null;
  /** In RAM now; null without a process, or where the operating system does not say. */
  memoryBytes: number | null;
  /** Of all its processes since this runner hosts it. */
  cpuSeconds: number;
  /** Events that are being handled or wait, wherever they are kept. */
  waitingEvents: number;
  /** Those of them that wait in the database, because they have waited for long or are many. */
  parkedEvents: number;
  /** When the first of them was sent, as far as this runner has it in memory. */
  oldestEventAt: string | null;
  /** What of its own kept it from falling asleep, when it was last asked. */
  awakeFor: string[];
  lastCrash: LastCrash | null;
  /** How it gets on with its events. */
  condition: PluginCondition;
  /** Why it does not run though it is enabled, as far as that is known. */
  hindrance: string | null;
}

export function viewOf({ plugin, lane, outcomes, hindrance }: Hosted): PluginView {
  const { length, parked, oldest } = lane;
  const { tenant, pluginId, stage, asleep, awakeFor, lastCrash, installation } = plugin;
  const { state, since, pid, startedAt, residentBytes, cpuSeconds } = plugin.isolate;
  return {
    ...{ tenant, pluginId, version: installation.version, stage, state, since, sleeping: asleep },
    ...{ pid: pid ?? null, startedAt: startedAt ?? null, memoryBytes: residentBytes ?? null, cpuSeconds },
    ...{ waitingEvents: length, parkedEvents: parked, oldestEventAt: oldest ?? null },
    ...{ awakeFor, lastCrash: lastCrash ?? null },
    ...{ condition: outcomes.condition(oldest), hindrance: hindrance ?? null },
  };
}
