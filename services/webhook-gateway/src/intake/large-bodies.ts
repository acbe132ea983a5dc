/** Whose body it is. */
export interface BodyPlace {
  tenant: string;
  requestId: string;
}

/** Bodies that do not travel in a message: kept in pieces, written as they come and read one after the other. */
export interface LargeBodies {
  add(place: BodyPlace, position: number, bytes: Buffer): Promise<void>;
  read(requestId: string): AsyncIterable<Buffer>;
  /** Of a request that was not accepted after all. */
  discard(requestId: string): Promise<void>;
}
