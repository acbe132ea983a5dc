import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Session } from './connection-room.ts';
import { ConnectionRoom } from './connection-room.ts';

class FreshSession implements Session {
  readonly role: string;
  broken = false;
  constructor(role: string) {
    this.role = role;
  }
  clean(): Promise<void> {
    return Promise.resolve();
  }
  destroy(): void {
    this.broken = true;
  }
}

describe('the room for connections', () => {
  let room: ConnectionRoom<FreshSession>;
  let opened: FreshSession[];
  beforeEach(() => {
    room = new ConnectionRoom(6);
    opened = [];
  });
  afterEach(() => room.close());

  const take = (role: string) =>
    room.take({ owner: role, role }, () => {
      const session = new FreshSession(role);
      opened.push(session);
      return Promise.resolve(session);
    });
  /** Takes one for each, and notes who got one, in that order. */
  const takeAll = (roles: string[], got: string[] = []) => {
    const all = roles.map((role) =>
      take(role).then((session) => {
        got.push(role);
        return session;
      }),
    );
    for (const one of all) one.catch(() => undefined);
    return all;
  };
  const many = (role: string, count: number) => Array.from({ length: count }, () => role);

  test('gives a role four at most, and all roles together no more than there are', async () => {
    void takeAll([...many('a', 10), ...many('b', 10)]);
    await turn();
    expect(opened.map(({ role }) => role).sort()).toEqual(['a', 'a', 'a', 'a', 'b', 'b']);
  });

  test('serves the others of a busy role as what it has gets free, each once', async () => {
    const got: string[] = [];
    const all = takeAll(many('a', 50), got);
    for (const one of all) {
      const session = await one;
      room.giveBack(session);
    }
    expect(got).toHaveLength(50);
    expect(opened).toHaveLength(4);
  });

  test('serves roles in turn: one of them that waits in a thousand keeps no other waiting', async () => {
    const small = new ConnectionRoom<FreshSession>(1);
    const got: string[] = [];
    const takeOf = (role: string) =>
      small
        .take({ owner: role, role }, () => Promise.resolve(new FreshSession(role)))
        .then((session) => {
          got.push(role);
          setImmediate(() => small.giveBack(session));
        });
    const all = [...many('a', 100), 'b', 'c'].map(takeOf);
    await Promise.all(all.slice(100));
    expect(got.length).toBeLessThan(6);
    await Promise.all(all);
    small.close();
  });

  test('refuses at once who comes behind a thousand of its role, and nobody else', async () => {
    void takeAll(many('a', 1_004));
    await turn();
    await expect(take('a')).rejects.toMatchObject({ code: 'BUSY' });
    expect((await take('b')).role).toBe('b');
  });

  test('makes room with what was idle longest', async () => {
    for (const role of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const session = await take(role);
      room.giveBack(session);
      await turn();
    }
    await take('g');
    expect(opened.filter(({ broken }) => broken).map(({ role }) => role)).toEqual(['a']);
  });

  test('a session that could not be opened leaves its place to the next', async () => {
    const failing = Array.from({ length: 4 }, () =>
      room.take({ owner: 'a', role: 'a' }, () => Promise.reject(new Error('no'))),
    );
    const outcomes = Promise.allSettled(failing);
    const [one] = takeAll(['a']);
    expect((await outcomes).map(({ status }) => status)).toEqual(many('rejected', 4));
    expect((await one)?.role).toBe('a');
  });

  test('what its owner has left is destroyed, also when it is still being opened', async () => {
    const [first] = takeAll(['a']);
    room.closeOf('a');
    await expect(first).rejects.toMatchObject({ code: 'STOPPING' });
    expect(opened.map(({ broken }) => broken)).toEqual([true]);
    expect((await take('a')).broken).toBe(false);
  });

  test('whoever waits for its owner is refused when the owner leaves, and nothing is opened for it', async () => {
    const all = takeAll(many('a', 6));
    const outcomes = Promise.allSettled(all);
    await turn();
    room.closeOf('a');
    const refused = (await outcomes).slice(4);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(refused.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown)).toMatchObject([
      { code: 'STOPPING' },
      { code: 'STOPPING' },
    ]);
    await turn();
    expect(opened).toHaveLength(4);
  });
});
