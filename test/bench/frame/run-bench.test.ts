import { expect, test } from '@jest/globals';
import type { Bench, Measurement } from './bench.ts';
import { allBenches } from './benches.ts';
import { readCommandLine } from './command-line.ts';
import type { Figure } from './figure.ts';
import { runBench } from './run-bench.ts';

const figure = (name: string): Figure => ({
  ...{ figure: name, unit: 'ms', value: 1, limit: null, ratio: null, aim: null, met: null },
});
const measurement = (name: string, measure: Measurement['measure']): Measurement => ({ name, note: 'how', measure });
const bench = (...measurements: Measurement[]): Bench => ({ about: 'a bench', backing: [], measurements });
const options = () => ({ rounds: 5, only: '', signal: new AbortController().signal, log: () => undefined });

test('a measurement that fails is named, and the others are made', async () => {
  const closed: string[] = [];
  const run = await runBench(
    bench(
      measurement('broken', ({ closers }) => {
        closers.addStep('room', () => closed.push('room'));
        return Promise.reject(new Error('no runner'));
      }),
      measurement('whole', () => Promise.resolve([figure('start')])),
    ),
    options(),
  );
  expect(run.figures.map((each) => each.figure)).toEqual(['start']);
  expect(run.failed).toEqual(['broken']);
  expect(closed).toEqual(['room']);
});

test('an interruption closes what is open and begins nothing more', async () => {
  const interruption = new AbortController();
  const closed: string[] = [];
  const endless = measurement('endless', ({ closers }) => {
    closers.addStep('room', () => closed.push('room'));
    queueMicrotask(() => interruption.abort());
    return new Promise(() => undefined);
  });
  const never = measurement('never', () => Promise.reject(new Error('begun after the interruption')));
  const run = await runBench(bench(endless, never), { ...options(), signal: interruption.signal });
  expect(closed).toEqual(['room']);
  expect(run.failed).toEqual(['endless']);
});

test('only what is asked for is measured', async () => {
  const measured: string[] = [];
  const named = (name: string) =>
    measurement(name, () => {
      measured.push(name);
      return Promise.resolve([]);
    });
  await runBench(bench(named('start'), named('restart'), named('event')), { ...options(), only: 'start' });
  expect(measured).toEqual(['start', 'restart']);
});

test('every bench says in one sentence what it measures', async () => {
  const benches = await allBenches();
  expect([...benches.keys()]).toContain('isolates');
  for (const { about, measurements } of benches.values()) {
    expect(about).toMatch(/^\S.{20,}$/);
    expect(measurements.length).toBeGreaterThan(0);
  }
});

test('the command line names one bench and how to measure it', () => {
  expect(readCommandLine([])).toEqual({ bench: undefined, json: false, rounds: 5, only: '' });
  expect(readCommandLine(['isolates', '--json', '--rounds', '7', '--only', 'start'])).toEqual({
    ...{ bench: 'isolates', json: true, rounds: 7, only: 'start' },
  });
  expect(() => readCommandLine(['isolates', 'events'])).toThrow('events is one too many');
  expect(() => readCommandLine(['isolates', '--rounds', '0'])).toThrow('--rounds');
  expect(() => readCommandLine(['--fast'])).toThrow('--fast');
});
