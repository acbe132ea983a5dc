import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { secretBox } from '@verifywise/service-kit';
import { SignJWT } from 'jose';
import { freePort } from '../../../../infra/local/src/backing/free-port.ts';
import { eventually } from '../../../../test/support/eventually.ts';

/** Few, so that runners start quickly; tenants of a test are spread over all of them. */
export const PARTITIONS = 4;
/** A machine with much else to do takes its time to start a process. */
const READY_WITHIN_MS = 45_000;
const JWT_SECRET = randomBytes(32).toString('hex');
const SECRETS_KEY = Buffer.alloc(32, 7);
const keys = generateKeyPairSync('ed25519');
const signingKey = keys.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
const trustedKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

/** Seals as the installer would, with the key the runners have. */
export const secrets = secretBox([{ kid: 'k1', key: SECRETS_KEY }]);

export interface IsolateView {
  tenant: string;
  pluginId: string;
  version: string;
  stage: string;
  state: string;
  pid: number | null;
  sleeping: boolean;
  cpuSeconds: number;
  memoryBytes: number | null;
  waitingEvents: number;
  parkedEvents: number;
  oldestEventAt: string | null;
  awakeFor: string[];
  lastCrash: { reason: string; message: string; at: string } | null;
}

/** One runner as a process of its own. */
export class RunnerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  readonly lines: string[] = [];

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      if (process.env.RUNNER_TEST_LOGS) process.stderr.write(`${line}\n`);
    });
  }

  /** On a port of its own; between finding a free one and listening there, somebody else may have taken it. */
  static async start(env: Record<string, string>): Promise<RunnerProcess> {
    for (let tries = 1; ; tries += 1) {
      const runner = await RunnerProcess.#spawn(env);
      try {
        if (await runner.#ready()) return runner;
      } catch (error) {
        await runner.stop('SIGKILL');
        throw error;
      }
      if (tries === 3) throw new Error(`The runner ended at its start: ${runner.lines.join('\n')}`);
    }
  }

  /** False when it has ended instead: whoever else answers at its port is not asked. */
  async #ready(): Promise<boolean> {
    const ended = () => this.child.exitCode !== null || this.child.signalCode !== null;
    await eventually(
      async () => {
        if (ended()) return;
        if ((await fetch(`${this.url}/readyz`)).status !== 200) throw new Error('The runner is not ready');
      },
      { within: READY_WITHIN_MS },
    );
    return !ended();
  }

  static async #spawn(env: Record<string, string>): Promise<RunnerProcess> {
    // Other runners must be told it before this one listens.
    const port = await freePort();
    const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
      stdio: ['ignore', 'pipe', process.env.RUNNER_TEST_LOGS ? 'inherit' : 'ignore'],
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        PARTITIONS: String(PARTITIONS),
        JWT_SECRET,
        SERVICE_SIGNING_KEY: signingKey,
        SERVICE_TRUSTED_KEYS: `plugin-runner:${trustedKey}`,
        PLUGIN_SECRETS_KEY: `k1:${SECRETS_KEY.toString('base64')}`,
        ISOLATE_HANG_LIMIT_MS: '1500',
        ...env,
      },
    });
    return new RunnerProcess(child, `http://127.0.0.1:${port}`);
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill(signal);
      await gone;
    }
    return this.child.exitCode;
  }

  /** A request as a user of the tenant. */
  async fetch(tenant: string, path: string, init: RequestInit & { role?: string } = {}): Promise<Response> {
    const { role = 'Admin', ...request } = init;
    const headers = new Headers(request.headers);
    headers.set('authorization', `Bearer ${await tokenOf(tenant, role)}`);
    return fetch(`${this.url}${path}`, { ...request, headers });
  }

  async get(tenant: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await this.fetch(tenant, path);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async isolates(): Promise<IsolateView[]> {
    const answer = await this.fetch('platform', '/internal/isolates', { role: 'Operator' });
    return ((await answer.json()) as { data: { isolates: IsolateView[] } }).data.isolates;
  }

  /** The processes that this runner has started and that still live. */
  async childPids(): Promise<number[]> {
    const { pid } = this.child;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return children.split(' ').filter(Boolean).map(Number);
  }
}

export function tokenOf(tenant: string, role = 'Admin'): Promise<string> {
  return new SignJWT({ tenant, role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('5m')
    .sign(Buffer.from(JWT_SECRET));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
