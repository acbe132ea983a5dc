import { eventually } from '../../../../test/support/eventually.ts';

interface Answer {
  id: number;
  result?: { result?: { value?: unknown } };
}

/** Looks into a process that was started with `--inspect`. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  static async connect(port: number): Promise<Inspector> {
    let url = '';
    await eventually(async () => {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as [
        { webSocketDebuggerUrl: string },
      ];
      url = targets[0].webSocketDebuggerUrl;
    });
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  /** What is still used when everything that can be thrown away is. */
  async heapUsed(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage');
    return (await this.#value('process.memoryUsage().heapUsed')) as number;
  }

  /** One name for every timer, socket and process that keeps the process alive. */
  async activeResources(): Promise<string[]> {
    return (await this.#value('process.getActiveResourcesInfo()')) as string[];
  }

  close(): void {
    this.#socket.close();
  }

  async #value(expression: string): Promise<unknown> {
    const answer = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return answer.result?.result?.value;
  }

  #ask(method: string, params: object = {}): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
