export interface ServerSentEvent {
  id: string | undefined;
  event: string;
  data: unknown;
}

/** Reads an answer of server-sent events as they come; comments and events without data are left out. */
export async function eventsOf(answer: Response): Promise<{
  events: ServerSentEvent[];
  /** Settles when the server has ended it, or it was closed here. */
  ended: Promise<void>;
  close(): Promise<void>;
}> {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  const events: ServerSentEvent[] = [];
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const read = async () => {
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      events.push(...blocks.flatMap(eventIn));
    }
  };
  const ended = read().catch(() => undefined);
  return { events, ended, close: () => reader.cancel() };
}

function eventIn(block: string): ServerSentEvent[] {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const data = fields.get('data');
  if (data === undefined) return [];
  return [{ id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) as unknown }];
}
