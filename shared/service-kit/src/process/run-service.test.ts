import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';

const program = fileURLToPath(new URL('fixtures/service.ts', import.meta.url));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** The sample service as a process of its own: what it wrote, and how it ended. */
function sample(behaviour: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, behaviour], { env: { PATH: process.env.PATH, ...env } });
  running.push(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
    child.emit('wrote');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const wrote = async (text: string) => {
    while (!out.stdout.includes(text)) await once(child, 'wrote');
  };
  const messages = () =>
    out.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { child, out, ended, wrote, messages };
}

describe('run service', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s closes everything in reverse order and exits 0', async (signal) => {
    const service = sample('works');
    await service.wrote('started');
    service.child.kill(signal);
    expect(await service.ended).toBe(0);
    expect(service.messages()).toEqual(['started', 'stopping', 'http closed', 'database closed', 'stopped']);
  });

  test('a start that fails closes what was opened, says why in one line, and exits 1', async () => {
    const service = sample('fails');
    expect(await service.ended).toBe(1);
    expect(service.out.stderr).toBe('sample could not start: PostgreSQL at db.example/x could not be reached\n');
    expect(service.messages()).toEqual(['could not start', 'database closed', 'stopped']);
  });

  test('a setting of the process itself that is wrong is said in one line', async () => {
    const service = sample('works', { STOP_DEADLINE_MS: 'soon', LOG_LEVEL: 'loud' });
    expect(await service.ended).toBe(1);
    expect(service.out.stderr).toMatch(
      /^sample could not start: 2 settings are wrong\. .*LOG_LEVEL.*STOP_DEADLINE_MS.*\n$/,
    );
  });

  test('a step that hangs is given up at the stop deadline, with exit code 1', async () => {
    const service = sample('hangs', { STOP_DEADLINE_MS: '50' });
    await service.wrote('started');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    expect(service.out.stdout).toContain('isolates did not close');
  });

  test('a second signal exits at once', async () => {
    const service = sample('hangs');
    await service.wrote('started');
    service.child.kill('SIGTERM');
    await service.wrote('http closed');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    expect(service.messages()).not.toContain('stopped');
  });

  test('a signal during the start stops it', async () => {
    const service = sample('starts-slowly');
    await service.wrote('still starting');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(service.messages()).toContain('database closed');
  });

  test('an error nobody caught is logged and ends the process', async () => {
    const service = sample('crashes');
    expect(await service.ended).toBe(1);
    expect(service.out.stdout).toContain('nobody caught me');
  });
});
