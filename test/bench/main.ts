import { interruption, reportEnd, Interrupted } from '../../infra/local/src/interruption.ts';
import { startBackingServices } from '../../infra/local/src/backing/backing-services.ts';
import { StartError } from '../../infra/local/src/start-error.ts';
import { temporaryFolder } from '../../infra/local/src/temporary-folder.ts';
import { keepForTeardown } from '../support/backing-services.ts';
import { allBenches } from './frame/benches.ts';
import { readCommandLine } from './frame/command-line.ts';
import { figuresTable } from './frame/figures-table.ts';
import { runBench } from './frame/run-bench.ts';
import type { BenchRun } from './frame/run-bench.ts';

/** `npm run bench`: figures of the product, each beside the limit it is measured against. */
async function main(args: string[]): Promise<number> {
  const wanted = readCommandLine(args);
  const benches = await allBenches();
  if (wanted.bench === undefined) {
    for (const [name, { about }] of benches) console.log(`npm run bench -- ${name.padEnd(10)} ${about}`);
    return 0;
  }
  const bench = benches.get(wanted.bench);
  if (!bench) throw new StartError(`There is no bench ${wanted.bench}; there are: ${[...benches.keys()].join(', ')}`);

  const { signal } = interruption();
  // Standard output is for the figures alone.
  const log = (line: string): void => console.error(line);
  const folder = await temporaryFolder('bench');
  const services = await startBackingServices({
    ...{ folder, persistent: false, only: bench.backing, log, signal },
    // Never the data people work with.
    variablePrefix: 'TEST_',
  });
  try {
    keepForTeardown(services);
    const run = await runBench(bench, { ...wanted, signal, log });
    if (signal.aborted) throw new Interrupted();
    if (run.figures.length + run.failed.length === 0)
      throw new StartError(`Nothing of ${wanted.bench} is called ${wanted.only}`);
    console.log(wanted.json ? JSON.stringify(run.figures, null, 2) : report(run, wanted.rounds));
    return run.failed.length > 0 ? 1 : 0;
  } finally {
    await services.stop();
  }
}

function report({ figures, notes, failed }: BenchRun, rounds: number): string {
  const lines = [
    '',
    figuresTable(figures),
    '',
    `Medians of ${rounds} rounds, the limit and the product in turn.`,
    ...notes,
  ];
  if (failed.length > 0) lines.push(`Could not be measured: ${failed.join(', ')}`);
  return lines.join('\n');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  reportEnd(error, 'The bench failed: ');
}
// Whatever a measurement may have left open does not keep us.
process.exit();
