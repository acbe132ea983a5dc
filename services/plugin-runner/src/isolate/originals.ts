import { Server } from 'node:net';
import { constants } from 'node:os';

/** What the isolate itself needs of the process, taken before plugin code and its guards can change it. */
const { pid } = process;
const { _kill: kill } = process as unknown as { _kill: (this: unknown, pid: number, signal: number) => number };
const { listen } = Server.prototype as unknown as { listen: (this: Server, path: string, done: () => void) => Server };
const { setTimeout, clearTimeout } = globalThis;
const activeResources = process.getActiveResourcesInfo.bind(process);

export const originals = {
  setTimeout,
  clearTimeout,
  /** The kinds of what keeps the process alive. */
  activeResources,
  /** Ends this process at once, whatever it is doing. */
  endProcess(): void {
    kill.call(process, pid, constants.signals.SIGKILL);
  },
  /** Lets a server of the isolate's own listen on its private socket. */
  listen(server: Server, socketPath: string, listening: () => void): void {
    listen.call(server, socketPath, listening);
  },
};
