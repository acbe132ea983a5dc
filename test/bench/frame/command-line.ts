import { parseArgs } from 'node:util';
import { StartError } from '../../../infra/local/src/start-error.ts';

/** A median of fewer says little about a machine that does other things, too. */
const ROUNDS = 5;

export interface CommandLine {
  /** None: the list of benches is wanted. */
  bench: string | undefined;
  json: boolean;
  rounds: number;
  /** Only measurements whose name contains this. */
  only: string;
}

/** What was asked for after `npm run bench --`. */
export function readCommandLine(args: string[]): CommandLine {
  const { values, positionals } = parsed(args);
  const [bench, unknown] = positionals;
  if (unknown !== undefined)
    throw new StartError(`${unknown} is one too many; npm run bench takes the name of one bench`);
  const rounds = values.rounds === undefined ? ROUNDS : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new StartError('--rounds takes a whole number from 1');
  return { bench, json: values.json, rounds, only: values.only };
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string', default: '' },
      },
    });
  } catch (error) {
    throw new StartError((error as Error).message);
  }
}
