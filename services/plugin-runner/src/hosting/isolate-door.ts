import type { Dispatcher } from 'undici';
import type { IsolateAddress } from '../isolate/private-http.ts';

/** An isolate's HTTP as its runner reaches it; opened for the first request, closed with the isolate. */
export interface IsolateDoor extends IsolateAddress {
  /** Connections to the isolate's private socket, kept alive. */
  readonly client: Dispatcher;
  /** Cuts what is still under way. */
  close(): Promise<void>;
}

export type OpenDoor = (address: IsolateAddress) => IsolateDoor;
