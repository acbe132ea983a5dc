import { hopByHopHeaders } from '@verifywise/contracts';

const framing = new Set([...hopByHopHeaders, 'content-length']);

/** True for headers that say how a message travels; whoever sends it says them. */
export function isFraming(lowerCaseName: string): boolean {
  return framing.has(lowerCaseName);
}
