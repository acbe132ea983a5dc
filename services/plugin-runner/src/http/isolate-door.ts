import { Pool } from 'undici';
import type { OpenDoor } from '../hosting/isolate-door.ts';

/** So that a moment with many requests at once leaves no connections behind. */
const CONNECTION_LIVES_MS = 60_000;

/** Connections to an isolate: as many as there are requests under way, for a stream may keep its own for hours. */
export const openDoor: OpenDoor = (address) => {
  const { socketPath } = address;
  const client = new Pool('http://isolate', {
    connect: { socketPath },
    allowH2: false,
    clientTtl: CONNECTION_LIVES_MS,
  });
  return { ...address, client, close: () => client.destroy() };
};
