/** One live runner, as its heartbeat row says. */
export interface Member {
  id: string;
  url: string;
  draining: boolean;
}

/** Heartbeats and partition holdings, by the database's clock. */
export interface OwnershipRecords {
  /** Writes this runner's heartbeat and answers every runner whose heartbeat is fresh, this one included. */
  beat(self: Member): Promise<Member[]>;
  leave(runnerId: string): Promise<void>;
  /** The epoch under which `runnerId` holds the partition now, or who else holds it. */
  claim(partition: number, runnerId: string): Promise<Claim>;
  /** Lets the next claim win; does nothing when somebody else holds the partition. */
  release(partitions: number[], runnerId: string): Promise<void>;
  /** Every partition with its holder. */
  holdings(): Promise<Holding[]>;
}

export type Claim = { kind: 'held'; epoch: number } | { kind: 'taken'; by: string };

export interface Holding {
  partition: number;
  runnerId: string | null;
  epoch: number;
  since: Date;
  released: boolean;
}
