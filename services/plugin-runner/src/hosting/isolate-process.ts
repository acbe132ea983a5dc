import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { FromIsolate, IsolateCalls, LogLevel, RunnerCalls, ToIsolate, WireError } from '../isolate/protocol.ts';
import { wireError } from '../isolate/protocol.ts';

/** How often an isolate proves that its event loop turns. */
const PING_EVERY_MS = 1_000;
/** How long after SIGKILL the operating system may take to say that the process is gone. */
const GONE_DEADLINE_MS = 5_000;

export type IsolateState = 'starting' | 'running' | 'stopping' | 'stopped' | 'crashed';
export type CrashReason = Extract<PluginFailure['reason'], 'exit' | 'signal' | 'memory' | 'hang' | 'unhandled'>;

export interface IsolateCrash {
  reason: CrashReason;
  message: string;
  stack?: string;
}

/** What the isolate may ask; bound by the runner to one tenant and one plugin, whatever the message says. */
export type Capabilities = {
  [Call in keyof RunnerCalls]: (...request: RunnerCalls[Call]['request']) => Promise<RunnerCalls[Call]['answer']>;
};

export interface IsolateOptions {
  /** The isolate's single-file bundle. */
  bundle: string;
  packageFolder: string;
  /** A folder of this isolate alone; its socket lives there. */
  privateFolder: string;
  heapMb: number;
  /** An event loop busy for longer is ended. */
  hangLimitMs: number;
  capabilities: Capabilities;
  log(level: LogLevel, message: string, meta?: unknown): void;
  surfaceChanged(surface: IsolateCalls['hook']['answer']): void;
  /** Called once, and only when the isolate ended without being stopped. */
  crashed(crash: IsolateCrash): void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** One child process that runs one version of one plugin for one tenant. */
export class IsolateProcess {
  state: IsolateState = 'starting';
  readonly startedAt = new Date();
  readonly #child: ChildProcess;
  readonly #options: IsolateOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gone: Promise<void>;
  #nextId = 1;
  #unhandled: WireError | undefined;
  #hanging = false;
  #stderrTail = '';
  #pinger: NodeJS.Timeout | undefined;

  constructor(options: IsolateOptions) {
    this.#options = options;
    this.#child = spawnIsolate(options);
    this.#gone = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#ended(code, signal);
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#unhandled ??= { message: `The isolate could not be started: ${error.message}` };
        this.#ended(null, null);
        resolve();
      });
    });
    this.#child.on('message', (message: FromIsolate) => void this.#receive(message));
    this.#readOutput();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** From now on the isolate must prove, by answering, that it is not stuck. */
  watch(): void {
    this.state = 'running';
    this.#pinger = setInterval(() => {
      this.call('ping', null, this.#options.hangLimitMs).catch((error: unknown) => {
        if (this.state !== 'running' || (error as PlatformError).code !== 'HANDLER_TIMED_OUT') return;
        this.#hanging = true;
        this.#child.kill('SIGKILL');
      });
    }, PING_EVERY_MS);
    this.#pinger.unref();
  }

  /** Rejects with HANDLER_TIMED_OUT after `limitMs`, with PLUGIN_CRASHED when the isolate ends first, else with the plugin's error. */
  call<Call extends keyof IsolateCalls>(
    call: Call,
    request: IsolateCalls[Call]['request'],
    limitMs: number,
  ): Promise<IsolateCalls[Call]['answer']> {
    if (this.#hasEnded() || !this.#child.connected) return Promise.reject(this.#crashError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new PlatformError('HANDLER_TIMED_OUT', `The plugin did not finish within ${limitMs / 1000} s`));
      }, limitMs);
      this.#waiting.set(id, { resolve: resolve, reject, timer });
      this.#say({ kind: 'call', id, call, request });
    });
  }

  /** Ends the process for good; resolves once the operating system says it is gone. */
  async stop(): Promise<void> {
    if (!this.#hasEnded()) this.state = 'stopping';
    clearInterval(this.#pinger);
    this.#child.kill('SIGKILL');
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, GONE_DEADLINE_MS)));
    await Promise.race([this.#gone, tooLong]);
    clearTimeout(timer);
  }

  #hasEnded(): boolean {
    return this.state === 'stopped' || this.state === 'crashed';
  }

  #say(message: ToIsolate): void {
    this.#child.send(message, (error) => {
      if (error && !this.#hasEnded())
        this.#options.log('warn', `The isolate's channel refused a message: ${error.message}`);
    });
  }

  async #receive(message: FromIsolate): Promise<void> {
    switch (message.kind) {
      case 'answer':
        this.#settle(message);
        break;
      case 'log':
        this.#options.log(message.level, message.message, message.meta);
        break;
      case 'surface':
        this.#options.surfaceChanged(message.surface);
        break;
      case 'unhandled':
        this.#unhandled = message.error;
        break;
      case 'call':
        this.#say(await this.#answer(message));
        break;
    }
  }

  async #answer({ id, call, request }: Extract<FromIsolate, { kind: 'call' }>): Promise<ToIsolate> {
    try {
      const capability = this.#options.capabilities[call] as ((...request: unknown[]) => Promise<unknown>) | undefined;
      if (!capability || !Array.isArray(request)) {
        throw new PlatformError(
          'BAD_REQUEST',
          `The runner knows no ${call}; the package was built for another platform version`,
        );
      }
      return { kind: 'answer', id, answer: await capability(...(request as unknown[])) };
    } catch (error) {
      if (error instanceof PlatformError)
        return { kind: 'answer', id, error: { message: error.message, code: error.code } };
      this.#options.log('error', `The platform failed at ${call}`, wireError(error));
      return {
        kind: 'answer',
        id,
        error: { code: 'INTERNAL', message: `The platform failed at ${call}; its log says why` },
      };
    }
  }

  #settle({ id, answer, error }: Extract<FromIsolate, { kind: 'answer' }>): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new PluginCodeError(error));
    else waiting.resolve(answer);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded()) return;
    clearInterval(this.#pinger);
    const stopped = this.state === 'stopping';
    this.state = stopped ? 'stopped' : 'crashed';
    const crash = stopped ? undefined : this.#crashOf(code, signal);
    const error = crash ? new PluginCodeError({ ...crash, code: 'PLUGIN_CRASHED' }) : this.#crashError();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#waiting.clear();
    if (crash) this.#options.crashed(crash);
  }

  #crashOf(code: number | null, signal: NodeJS.Signals | null): IsolateCrash {
    if (this.#hanging) {
      return {
        reason: 'hang',
        message: `The plugin kept its event loop busy for more than ${this.#options.hangLimitMs / 1000} s and was ended`,
      };
    }
    if (this.#unhandled) return { reason: 'unhandled', ...withoutCode(this.#unhandled) };
    if (/heap out of memory|Allocation failed/i.test(this.#stderrTail)) {
      return {
        reason: 'memory',
        message: `The plugin needed more than its ${this.#options.heapMb} MB of memory and was ended`,
      };
    }
    if (signal) return { reason: 'signal', message: `The plugin's process was ended by ${signal}` };
    return { reason: 'exit', message: `The plugin's process ended by itself with exit code ${code ?? 'unknown'}` };
  }

  #crashError(): PlatformError {
    return new PlatformError('PLUGIN_CRASHED', "The plugin's process has ended");
  }

  #readOutput(): void {
    const { stdout, stderr } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#options.log('info', line));
    if (stderr) {
      createInterface({ input: stderr }).on('line', (line) => {
        this.#stderrTail = `${this.#stderrTail}\n${line}`.slice(-4_096);
        this.#options.log('warn', line);
      });
    }
  }
}

/** An error thrown by plugin code, with the stack its author needs. */
export class PluginCodeError extends PlatformError {
  readonly pluginStack: string | undefined;
  constructor(error: WireError) {
    super(
      error.code === 'PLUGIN_CRASHED' || error.code === 'PLUGIN_LOAD_FAILED' ? error.code : 'HANDLER_FAILED',
      error.message,
    );
    this.pluginStack = error.stack;
  }
}

function withoutCode({ message, stack }: WireError): { message: string; stack?: string } {
  return stack === undefined ? { message } : { message, stack };
}

const SETPRIV = '/usr/bin/setpriv';

function spawnIsolate({ bundle, packageFolder, privateFolder, heapMb }: IsolateOptions): ChildProcess {
  const flags = [
    '--permission',
    `--allow-fs-read=${bundle}`,
    `--allow-fs-read=${packageFolder}/*`,
    `--allow-fs-read=${privateFolder}/*`,
    `--allow-fs-write=${privateFolder}/*`,
    `--max-old-space-size=${heapMb}`,
    '--no-warnings',
    bundle,
  ];
  // An isolate that loops cannot notice that its runner is gone; the kernel can.
  const [command, args] = existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'KILL', process.execPath, ...flags]]
    : [process.execPath, flags];
  return spawn(command, args, {
    cwd: packageFolder,
    env: { NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}
