import { createHash } from 'node:crypto';

/** Who serves a partition: the owner, and the one that takes over at once when the owner goes. */
export interface Assignment {
  owner: string;
  standby: string | null;
}

/**
 * Rendezvous hashing: every runner computes the same answer from the same members, and a runner that comes or goes
 * moves only the partitions that it gains or loses.
 */
export function assign(partition: number, runnerIds: readonly string[]): Assignment | null {
  let owner: Scored | undefined;
  let standby: Scored | undefined;
  for (const id of runnerIds) {
    const scored = { id, score: score(partition, id) };
    if (!owner || higher(scored, owner)) {
      standby = owner;
      owner = scored;
    } else if (!standby || higher(scored, standby)) {
      standby = scored;
    }
  }
  return owner ? { owner: owner.id, standby: standby?.id ?? null } : null;
}

interface Scored {
  id: string;
  score: number;
}

function score(partition: number, runnerId: string): number {
  return createHash('sha256').update(`${partition}/${runnerId}`).digest().readUIntBE(0, 6);
}

function higher(one: Scored, other: Scored): boolean {
  return one.score > other.score || (one.score === other.score && one.id > other.id);
}
