/** `risk.created` (routing keys, envelopes) as `risk:created` (what plugins write). */
export function eventOfFact(factName: string): string {
  return factName.replaceAll('.', ':');
}

const LIFECYCLE = new Set(['plugin:loaded', 'plugin:unloaded', 'plugin:enabled', 'plugin:disabled']);

/** Plugins hear domain events, the four lifecycle events (S:17.3) and each other's own; facts between services are not theirs. */
export function isForPlugins(event: string): boolean {
  if (!event.startsWith('plugin:')) return !event.startsWith('registry:');
  return LIFECYCLE.has(event) || event.split(':').length === 3;
}
