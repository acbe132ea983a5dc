import { describe, expect, test } from '@jest/globals';
import { CloseError, Closers } from './closers.ts';

const LONG_MS = 10_000;

describe('closers', () => {
  test('what was opened last is closed first, one after the other', async () => {
    const closers = new Closers();
    const closed: string[] = [];
    const opened = (name: string) => ({
      async close() {
        await Promise.resolve();
        closed.push(name);
      },
    });
    const database = opened('database');
    expect(closers.add(database)).toBe(database);
    closers.add(opened('broker'));
    closers.addStep('partitions', () => closed.push('partitions'));
    await closers.closeAll(LONG_MS);
    expect(closed).toEqual(['partitions', 'broker', 'database']);
  });

  test('one that fails does not keep the others open, and is named', async () => {
    const closers = new Closers();
    let databaseClosed = false;
    closers.addStep('database', () => (databaseClosed = true));
    closers.addStep('broker', () => Promise.reject(new Error('channel gone')));
    await expect(closers.closeAll(LONG_MS)).rejects.toThrow('broker did not close: channel gone');
    expect(databaseClosed).toBe(true);
  });

  test('the deadline ends a step that hangs and says what was left open', async () => {
    const closers = new Closers();
    closers.addStep('database', () => undefined);
    closers.addStep('isolates', () => new Promise(() => undefined));
    const error: unknown = await closers.closeAll(10).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CloseError);
    expect(String(error)).toContain('isolates did not close');
    expect(String(error)).toContain('database was not closed: out of time');
  });

  test('closing twice closes once', async () => {
    const closers = new Closers();
    let times = 0;
    closers.addStep('broker', () => times++);
    await Promise.all([closers.closeAll(LONG_MS), closers.closeAll(LONG_MS)]);
    expect(times).toBe(1);
  });

  test('what is opened after closing began is closed too', async () => {
    const closers = new Closers();
    await closers.closeAll(LONG_MS);
    const late = Promise.withResolvers<string>();
    closers.addStep('late', () => {
      late.resolve('closed');
    });
    expect(await late.promise).toBe('closed');
  });
});
