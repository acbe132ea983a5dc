/** What one turn measured, by name. */
export type Turn<Name extends string> = Record<Name, number>;

export interface Sides<Name extends string, LimitName extends string = Name> {
  /** The bare reference. */
  limit: () => Promise<Turn<LimitName>>;
  product: () => Promise<Turn<Name>>;
}

export interface Rounds<Name extends string, LimitName extends string = Name> {
  limit: Record<LimitName, number[]>;
  product: Record<Name, number[]>;
}

/**
 * Measures both sides in turn, so that whatever else the machine does hurts both; who goes first changes every round. One more
 * turn of each before the rounds warms disk caches and code, and does not count.
 */
export async function inTurn<Name extends string, LimitName extends string = Name>(
  rounds: number,
  { limit, product }: Sides<Name, LimitName>,
): Promise<Rounds<Name, LimitName>> {
  const limits: Turn<LimitName>[] = [];
  const products: Turn<Name>[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const productFirst = round % 2 === 0;
    if (productFirst) products.push(await product());
    limits.push(await limit());
    if (!productFirst) products.push(await product());
  }
  return { limit: byName(limits.slice(1)), product: byName(products.slice(1)) };
}

/** The same of a product that nothing bare compares with. */
export async function alone<Name extends string>(
  rounds: number,
  product: () => Promise<Turn<Name>>,
): Promise<Record<Name, number[]>> {
  const turns: Turn<Name>[] = [];
  for (let round = 0; round < rounds; round += 1) turns.push(await product());
  return byName(turns);
}

function byName<Name extends string>(turns: Turn<Name>[]): Record<Name, number[]> {
  const names = Object.keys(turns[0] ?? {}) as Name[];
  return Object.fromEntries(names.map((name) => [name, turns.map((turn) => turn[name])])) as Record<Name, number[]>;
}
