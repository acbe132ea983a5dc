import { Gauge, type Registry } from 'prom-client';
import type { FairTurns } from './hosting/fair-turns.ts';

/** The turns of event handlers as figures. */
export function watchTurns(registry: Registry, turns: Pick<FairTurns, 'taken' | 'waiting'>): void {
  const registers = [registry];
  new Gauge({
    name: 'runner_event_handlers_running',
    help: 'Event handlers that have a turn: EVENT_HANDLERS_AT_ONCE at most, without those that wait for an answer of their own',
    registers,
    collect() {
      this.set(turns.taken);
    },
  });
  new Gauge({
    name: 'runner_event_handlers_waiting',
    help: 'Event handlers that wait for a turn; for long above 0, this runner has more to do than its processors can',
    registers,
    collect() {
      this.set(turns.waiting);
    },
  });
}
