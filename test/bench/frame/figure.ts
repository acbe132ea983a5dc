import { median } from './statistics.ts';

/** One line of a bench's answer. */
export interface Figure {
  figure: string;
  unit: string;
  /** Of the product: the median of the rounds. */
  value: number;
  /** Of the bare reference, measured in turn with the product; null where nothing bare compares. */
  limit: number | null;
  /** value / limit. */
  ratio: number | null;
  /** What is aimed at, in words; null for a figure that is only to be known. */
  aim: string | null;
  met: boolean | null;
}

export type Aim = { ratioAtMost: number } | { ratioAtLeast: number } | { atMost: number } | { atLeast: number };

export interface Wanted {
  figure: string;
  unit: string;
  aim?: Aim;
}

/** What the rounds gave: one number each, of the product and of the bare reference. */
export interface Measured {
  product: readonly number[];
  limit?: readonly number[];
}

/** The medians of the rounds beside each other, and whether the aim is met. */
export function figureOf({ figure, unit, aim }: Wanted, { product, limit }: Measured): Figure {
  const value = median(product);
  const bare = limit === undefined ? null : median(limit);
  const ratio = bare === null || bare === 0 ? null : value / bare;
  return {
    ...{ figure, unit, value, limit: bare, ratio },
    aim: aim === undefined ? null : inWords(aim, unit),
    met: aim === undefined ? null : isMet(figure, aim, value, ratio),
  };
}

function isMet(figure: string, aim: Aim, value: number, ratio: number | null): boolean {
  if ('atMost' in aim) return value <= aim.atMost;
  if ('atLeast' in aim) return value >= aim.atLeast;
  if (ratio === null) throw new Error(`The aim of "${figure}" is a ratio, but it has no limit to compare with`);
  return 'ratioAtMost' in aim ? ratio <= aim.ratioAtMost : ratio >= aim.ratioAtLeast;
}

function inWords(aim: Aim, unit: string): string {
  if ('atMost' in aim) return `≤ ${aim.atMost} ${unit}`;
  if ('atLeast' in aim) return `≥ ${aim.atLeast} ${unit}`;
  return 'ratioAtMost' in aim ? `≤ ${aim.ratioAtMost} ×` : `≥ ${aim.ratioAtLeast} ×`;
}
