import type { Closers } from '@verifywise/service-kit';
import type { ServiceName } from '../../../infra/local/src/backing/backing-services.ts';
import type { Figure } from './figure.ts';

/** What a measurement is given. */
export interface BenchPlace {
  /** How often each side is measured. */
  rounds: number;
  /** What was opened here is closed after the measurement, also when it failed or was interrupted. */
  closers: Closers;
  /** Tells who waits what is going on. */
  log: (line: string) => void;
}

/** Some figures that are measured together. */
export interface Measurement {
  name: string;
  /** What a reader must know to read its figures: what was compared with what, and by which way. */
  note: string;
  measure: (place: BenchPlace) => Promise<Figure[]>;
}

/** What a file `<name>.bench.ts` exports as `bench`. */
export interface Bench {
  /** One sentence for `npm run bench` without arguments. */
  about: string;
  backing: ServiceName[];
  measurements: Measurement[];
}
