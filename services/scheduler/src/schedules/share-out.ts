/** The fires of one plugin of one tenant: how many wait to be sent now, and how many are under way. */
export interface Lane {
  tenant: string;
  pluginId: string;
  waiting: number;
  underWay: number;
  /** When fires of it were sent last, in milliseconds. */
  servedAt: number;
}

/** How many fires may be under way at a time. */
export interface LaneLimits {
  perPlugin: number;
  perTenant: number;
  /** Runners take so much work of a partition at a time, and there is other work beside jobs. */
  perPartition: number;
  partitionOf: (tenant: string) => number;
}

/** So many fires of a lane may be sent now. */
export interface Share {
  lane: Lane;
  fires: number;
}

/**
 * Decides whose fires go next: one of each tenant in turn, and of a tenant one of each plugin in turn, those first that were served
 * longest ago. So what one has waiting, however much it is, comes after the first of every other.
 */
export function shareOut(lanes: readonly Lane[], limits: LaneLimits, most: number): Share[] {
  const load = new Load(lanes, limits);
  const turns = tenantsInTurn(lanes);
  const shares = new Map<Lane, number>();
  let left = most;
  while (left > 0 && turns.length > 0) {
    for (const turn of turns.splice(0)) {
      const lane = turn.find((one) => (shares.get(one) ?? 0) < one.waiting && load.hasRoom(one));
      if (lane === undefined || left === 0) continue;
      shares.set(lane, (shares.get(lane) ?? 0) + 1);
      load.add(lane);
      left -= 1;
      turns.push([...turn.filter((one) => one !== lane), lane]);
    }
  }
  return [...shares].map(([lane, fires]) => ({ lane, fires }));
}

/** Of each tenant the lanes in which something waits; those first that were served longest ago. */
function tenantsInTurn(lanes: readonly Lane[]): Lane[][] {
  const waiting = lanes.filter((lane) => lane.waiting > 0);
  const oldestFirst = waiting.sort((one, other) => (one.servedAt < other.servedAt ? -1 : 1));
  return [...Map.groupBy(oldestFirst, ({ tenant }) => tenant).values()];
}

class Load {
  readonly #limits: LaneLimits;
  readonly #counts = new Map<string, number>();

  constructor(lanes: readonly Lane[], limits: LaneLimits) {
    this.#limits = limits;
    for (const lane of lanes) this.add(lane, lane.underWay);
  }

  add(lane: Lane, fires = 1): void {
    for (const { key } of this.#boundsOf(lane)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + fires);
  }

  hasRoom(lane: Lane): boolean {
    return this.#boundsOf(lane).every(({ key, most }) => (this.#counts.get(key) ?? 0) < most);
  }

  #boundsOf({ tenant, pluginId }: Lane): { key: string; most: number }[] {
    const { perPlugin, perTenant, perPartition, partitionOf } = this.#limits;
    return [
      { key: `plugin ${tenant} ${pluginId}`, most: perPlugin },
      { key: `tenant ${tenant}`, most: perTenant },
      { key: `partition ${partitionOf(tenant)}`, most: perPartition },
    ];
  }
}
