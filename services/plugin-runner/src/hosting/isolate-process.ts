import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { PlatformError } from '@verifywise/contracts';
import type { FromIsolate, IsolateCalls, LogLevel, WireError } from '../isolate/protocol.ts';
import { LARGEST_FROM_ISOLATE_BYTES, MessagePipe, PIPE_FD } from '../isolate/message-pipe.ts';
import type { Mask } from '../logs/loggable.ts';
import type { Capabilities } from './asked-calls.ts';
import { AskedCalls } from './asked-calls.ts';
import type { IsolateCrash } from './isolate-crash.ts';
import { PluginCodeError, PluginCrashError, crashOf, saysOutOfMemory } from './isolate-crash.ts';
import type { IsolateMemory } from './isolate-memory.ts';
import { readAnswer } from './isolate-answers.ts';
import { isSurface, readMessage } from './isolate-messages.ts';
import { bounded, readLines } from './isolate-output.ts';
import { watchPulse } from './isolate-pulse.ts';
import { OpenCalls } from './open-calls.ts';
import { ProcessFigures } from './process-figures.ts';
import type { IsolatePlace } from './spawn-isolate.ts';
import { spawnIsolate } from './spawn-isolate.ts';
import type { ToldError } from './told-error.ts';
import { toldError } from './told-error.ts';

/** How long after SIGKILL the operating system may take to say that the process is gone. */
const GONE_DEADLINE_MS = 5_000;
/** Of what an isolate writes to stderr, the end says why it died. */
const STDERR_TAIL = 8_192;

export type IsolateState = 'starting' | 'running' | 'stopping' | 'stopped' | 'crashed';

export type { Capabilities } from './asked-calls.ts';

export interface IsolateOptions extends Omit<IsolatePlace, 'memoryMb'> {
  /** An event loop busy for longer is ended. */
  hangLimitMs: number;
  memory: IsolateMemory;
  capabilities: Capabilities;
  log: (level: LogLevel, message: string, meta?: unknown) => void;
  /** Takes the plugin's secrets out of what it says. */
  mask: Mask;
  surfaceChanged(surface: IsolateCalls['hook']['answer']): void;
  /** Called once, and only when the isolate ended without being stopped. */
  crashed(isolate: IsolateProcess, crash: IsolateCrash): void;
}

/** One child process that runs one version of one plugin for one tenant. */
export class IsolateProcess {
  readonly startedAt = new Date();
  /** When it came into its state. */
  since = this.startedAt;
  readonly figures: ProcessFigures | undefined;
  #state: IsolateState = 'starting';
  readonly #child: ChildProcess;
  readonly #pipe: MessagePipe;
  readonly #options: IsolateOptions;
  readonly #log: IsolateOptions['log'];
  readonly #calls = new OpenCalls();
  readonly #gone: Promise<void>;
  readonly #asked: AskedCalls;
  #unhandled: WireError | undefined;
  #hanging = false;
  #stopped = false;
  #usedMb: number | undefined;
  readonly #told: ToldError = (error) => toldError(error, (text) => this.#options.mask(text));
  #stderrTail = '';
  #endPulse: () => void = () => undefined;
  #endMemoryWatch: () => void = () => undefined;

  constructor(options: IsolateOptions) {
    this.#options = options;
    this.#log = bounded(options.log, (lines) =>
      options.log('warn', `${lines} lines of the plugin's log were left out: it writes more than can be kept`),
    );
    this.#child = spawnIsolate({ ...options, memoryMb: options.memory.limitMb });
    this.#gone = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#ended(code, signal);
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#unhandled ??= { message: `The isolate could not be started: ${error.message}` };
        if (this.#child.pid === undefined) this.#ended(null, null);
        else this.#kill();
        resolve();
      });
    });
    const hearing = {
      message: (said: unknown, bytes: number) => this.#hear(said, bytes),
      broken: (error: Error) => this.#pipeBroken(error),
      drained: () => this.#asked.advance(),
      // Without its pipe it can be asked nothing, and what it does is recorded nowhere.
      closed: () => this.#kill(),
    };
    this.#pipe = new MessagePipe(this.#child.stdio[PIPE_FD] as Socket, hearing, LARGEST_FROM_ISOLATE_BYTES);
    this.#asked = new AskedCalls({ capabilities: options.capabilities, pipe: this.#pipe, log: this.#log });
    this.#readOutput();
    const { pid } = this.#child;
    if (pid === undefined) return;
    this.figures = new ProcessFigures(pid);
    this.#endMemoryWatch = options.memory.watch(this.figures, (usedMb) => {
      this.#usedMb ??= usedMb;
      this.#kill();
    });
  }

  get state(): IsolateState {
    return this.#state;
  }

  /** True while the platform does something that the plugin asked for. */
  get asking(): boolean {
    return this.#asked.count > 0;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True while it can be asked something. */
  get alive(): boolean {
    const works = this.state === 'running' || this.state === 'stopping';
    return works && !this.#stopped && this.#pipe.open && this.#unhandled === undefined;
  }

  /** The plugin's code is loaded. */
  loaded(): void {
    if (this.state === 'starting') this.#become('running');
  }

  /** Its plugin is told to leave; what it does of that ends with the process. */
  leaves(): void {
    if (this.state === 'running') this.#become('stopping');
  }

  /** From now on the isolate must prove, by answering, that it is not stuck. */
  watch(): void {
    if (this.#hasEnded()) return;
    const { hangLimitMs } = this.#options;
    this.#endPulse = watchPulse(
      {
        ping: () => this.call('ping', null, 2 * hangLimitMs),
        hangs: () => {
          this.#hanging = true;
          this.#kill();
        },
      },
      hangLimitMs,
    );
  }

  /** Rejects with HANDLER_TIMED_OUT after `limitMs`, with PLUGIN_CRASHED when the isolate ends first, else with the plugin's error. */
  async call<Call extends keyof IsolateCalls>(
    call: Call,
    request: IsolateCalls[Call]['request'],
    limitMs: number,
  ): Promise<IsolateCalls[Call]['answer']> {
    if (this.#hasEnded() || !this.#pipe.open) throw endedError();
    const answer = await this.#calls.ask(limitMs, (id) => this.#pipe.send({ kind: 'call', id, call, request }));
    return readAnswer(call, answer, this.#told);
  }

  /** Runs one hook and answers what the plugin offers after it. */
  async hook(call: IsolateCalls['hook']['request'], limitMs: number): Promise<IsolateCalls['hook']['answer']> {
    const surface: unknown = await this.call('hook', call, limitMs);
    if (isSurface(surface)) return surface;
    throw new PluginCodeError({ message: 'The plugin offers something that is no list of events, routes and widgets' });
  }

  /** Ends the process for good; resolves once the operating system says it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (!this.#hasEnded() && this.state !== 'stopping') this.#become('stopping');
    this.figures?.cpuSeconds();
    this.#kill();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, GONE_DEADLINE_MS)));
    await Promise.race([this.#gone, tooLong]);
    clearTimeout(timer);
  }

  #kill(): void {
    this.#endWatching();
    this.#child.kill('SIGKILL');
  }

  #endWatching(): void {
    this.#endPulse();
    this.#endMemoryWatch();
  }

  #become(state: IsolateState): void {
    this.#state = state;
    this.since = new Date();
  }

  #hasEnded(): boolean {
    return this.state === 'stopped' || this.state === 'crashed';
  }

  /** Only plugin code writes there what is no message, or keeps what is sent from being read. */
  #pipeBroken(error: Error): void {
    const pipe = 'the pipe between its process and the platform';
    const message = `The plugin wrote into ${pipe}, or kept it from being read, and was ended: ${error.message}`;
    this.#unhandled ??= { message };
    this.#kill();
  }

  #hear(said: unknown, bytes: number): void {
    const message = readMessage(said);
    if (!message) {
      this.#log('warn', "The plugin sent a message over its platform's channel; nobody reads it there");
      return;
    }
    switch (message.kind) {
      case 'answer':
        this.#settle(message);
        break;
      case 'log':
        this.#log(message.level, message.message, message.meta);
        break;
      case 'surface':
        this.#options.surfaceChanged(message.surface);
        break;
      case 'unhandled':
        // The first is the cause; ended at once, so that nothing is delivered to what is broken.
        this.#unhandled ??= this.#told(message.error);
        this.#kill();
        break;
      case 'call':
        this.#asked.take(message, bytes);
        break;
    }
  }

  #settle({ id, answer, error }: Extract<FromIsolate, { kind: 'answer' }>): void {
    this.#calls.settle(id, error ? { error: new PluginCodeError(this.#told(error)) } : { answer });
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded()) return;
    this.#endWatching();
    this.#asked.close();
    this.figures?.close();
    this.#become(this.#stopped ? 'stopped' : 'crashed');
    const seen = { hanging: this.#hanging, usedMb: this.#usedMb, unhandled: this.#unhandled };
    const { heapMb, hangLimitMs, memory } = this.#options;
    const limits = { heapMb, hangLimitMs, memoryMb: memory.limitMb };
    const crash = this.#stopped
      ? undefined
      : crashOf({ code, signal, ...seen, outOfMemory: saysOutOfMemory(this.#stderrTail), limits });
    this.#calls.failAll(crash ? new PluginCrashError(crash) : endedError());
    if (crash) this.#options.crashed(this, crash);
  }

  #readOutput(): void {
    const { stdout, stderr } = this.#child;
    if (stdout) readLines(stdout, (line) => this.#log('info', line));
    if (stderr) {
      readLines(stderr, (line) => {
        this.#stderrTail = `${this.#stderrTail}\n${line}`.slice(-STDERR_TAIL);
        this.#log('warn', line);
      });
    }
  }
}

function endedError(): PlatformError {
  return new PlatformError('PLUGIN_CRASHED', "The plugin's process has ended");
}
