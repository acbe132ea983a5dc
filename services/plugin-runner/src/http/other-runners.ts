import { Agent } from 'undici';

/** Connections to the other runners, kept alive; closing them waits for what is under way. */
export function connectionsToRunners(): Agent {
  return new Agent({ allowH2: false });
}
