import type { Server } from 'node:net';
import type { PluginTimers } from './guards/timers.ts';
import { originals } from './originals.ts';

/** Lets the isolate's own server listen; resolves when it does. */
export type PrivateListen = (server: Server) => Promise<void>;

/** Listens on the isolate's private socket, which is closed to plugin code, and keeps the server's timers out of the plugin's. */
export function privateListen(socketPath: string, timers: PluginTimers): PrivateListen {
  return (server) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      // An HTTP server begins to look after its connections in a listener of its own, which stands between these two.
      server.prependOnceListener('listening', () => timers.beginOurs());
      server.once('listening', () => timers.endOurs());
      originals.listen(server, socketPath, resolve);
    });
}
