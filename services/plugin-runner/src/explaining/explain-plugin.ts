import type { Installation, ShownPlugin } from '@verifywise/contracts';
import type { Holding, Member } from '../ownership/membership.ts';
import type { Assignment } from '../ownership/rendezvous.ts';

/** Where a tenant's plugins are hosted, and by whom. */
export interface Place {
  partition: number;
  holding: Holding | null;
  assigned: Assignment | null;
  runners: readonly Member[];
}

export interface KnownOfPlugin {
  tenant: string;
  pluginId: string;
  place: Place;
  /** What the runners know of the installer's word; null when it is not installed. */
  installation: Pick<Installation, 'version' | 'state' | 'desired'> | null;
  /** As the runner that hosts it answered; an error when nobody did, null when it does not know the plugin. */
  hosted: ShownPlugin | Error | null;
  now: Date;
}

/** Why a plugin of a tenant does what it does, or does nothing: one sentence for each thing that matters, the first matters most. */
export function explainPlugin(known: KnownOfPlugin): string[] {
  const { tenant, pluginId, installation } = known;
  if (!installation) return [`${tenant} has not installed ${pluginId}.`, ...explainPlace(known.place)];
  return [
    ...explainState(known, installation),
    ...explainEvents(known),
    ...explainPlace(known.place),
    ...explainCrash(known),
  ];
}

function explainState(
  { pluginId, hosted, tenant }: KnownOfPlugin,
  { version, state, desired }: Pick<Installation, 'version' | 'state' | 'desired'>,
): string[] {
  const it = `${pluginId} ${version} of ${tenant}`;
  if (hosted instanceof Error) return [`${it} is to be ${desired}, but no runner answers for it: ${hosted.message}`];
  if (!hosted) return [`${it} is ${state}; its runner has not heard of it yet, which takes 10 s at most.`];
  if (hosted.hindrance !== null) return [`${it} does not do its work now: ${hosted.hindrance}.`];
  if (desired !== 'enabled') return [`${it} is ${state}: it hears nothing and does nothing until it is enabled.`];
  if (hosted.sleeping) return [`${it} is enabled and sleeps: its process starts when something comes for it.`];
  if (hosted.version !== version) return [`${it} is being moved to from ${hosted.version}.`];
  if (hosted.state === 'running' && hosted.stage === 'enabled') return [`${it} runs${conditionOf(hosted)}.`];
  return [`${it} is enabled, and its process is ${hosted.state} since ${hosted.since}.`];
}

function conditionOf({ condition }: ShownPlugin): string {
  if (condition === 'slow') return ', but is slower than its events come, or too slow for its limit';
  if (condition === 'broken') return ', but its handlers fail: their errors are in its log and its failed deliveries';
  if (condition === 'dependency-down') return ', but something that its handlers call cannot be reached';
  return '';
}

function explainEvents({ hosted, now }: KnownOfPlugin): string[] {
  if (!hosted || hosted instanceof Error || hosted.waitingEvents === 0) return [];
  const { waitingEvents, parkedEvents, oldestEventAt } = hosted;
  const oldest = oldestEventAt === null ? '' : `; the first was sent ${secondsBetween(oldestEventAt, now)} s ago`;
  return [
    `Events that it handles or that wait for it: ${waitingEvents}, of which ${parkedEvents} wait in the database${oldest}.`,
  ];
}

function explainPlace({ partition, holding, assigned, runners }: Place): string[] {
  const urlOf = (id: string) => runners.find((runner) => runner.id === id)?.url;
  const holder = holding?.released === false ? holding.runnerId : null;
  const lines = [];
  if (holder === null) lines.push(`Partition ${partition} is held by no runner now.`);
  else {
    const lives = urlOf(holder);
    const where = lives ?? 'which says nothing any more; its standby takes over within two seconds';
    lines.push(`Its tenant lives on partition ${partition}, held by ${holder} (${where}) since ${sinceOf(holding)}.`);
  }
  if (!assigned) lines.push('No runner is alive: start one.');
  else if (assigned.owner !== holder)
    lines.push(`The partition moves to ${assigned.owner}, whose it is by the balance.`);
  return lines;
}

function sinceOf(holding: Holding | null): string {
  return holding ? `${holding.since.toISOString()}, claim ${holding.epoch}` : '';
}

function explainCrash({ hosted }: KnownOfPlugin): string[] {
  if (!hosted || hosted instanceof Error || !hosted.lastCrash) return [];
  const { reason, message, at } = hosted.lastCrash;
  return [`Its process last ended by itself at ${at} (${reason}): ${message}`];
}

function secondsBetween(from: string, to: Date): number {
  return Math.max(0, Math.round((to.getTime() - Date.parse(from)) / 1_000));
}
