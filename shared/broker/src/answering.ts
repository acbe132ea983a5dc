import { errorAnswer, readEnvelope, type Envelope } from '@verifywise/contracts';
import type { ConsumeMessage } from 'amqplib';
import type { QuestionAnswer } from './answers.ts';
import type { About, Log } from './broker.ts';
import { abortAfter, within } from './pending.ts';
import type { Replies, Reply } from './replies.ts';

/** More questions at once would only wait in memory until their deadlines; the asker hears so at once. */
const MAX_AT_ONCE = 1_000;

export interface AnsweringOptions {
  answers: QuestionAnswer[];
  replies: Replies;
  log: Log;
}

/** Answers questions as they arrive, several at once. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #answers: Map<string, QuestionAnswer>;
  readonly #running = new Set<AbortController>();
  #idle: (() => void)[] = [];

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#answers = new Map(options.answers.map((answer) => [answer.name, answer]));
  }

  /** Never throws: whatever goes wrong is the answer. */
  take(message: ConsumeMessage): void {
    const { replyTo, expiration } = message.properties as { replyTo?: string; expiration?: string };
    const question = readEnvelope(message.content);
    if (question === undefined) {
      this.#options.log.warn({ queue: message.fields.routingKey }, 'A question without an envelope was dropped');
      return;
    }
    if (this.#running.size >= MAX_AT_ONCE) {
      this.#reply(question, replyTo, {
        error: { code: 'UNAVAILABLE', message: `Too many questions at once; ask ${question.type} again later` },
      });
      return;
    }
    void this.#answer(question, replyTo, Number(expiration ?? 0));
  }

  /** Waits until all running answers are given; those that are not by the deadline see their signal aborted. */
  async finish(deadlineMs: number): Promise<void> {
    if (this.#running.size > 0) {
      await within(new Promise<void>((resolve) => this.#idle.push(resolve)), deadlineMs);
    }
    for (const running of this.#running) running.abort(new Error('This process is stopping'));
  }

  async #answer(question: Envelope, replyTo: string | undefined, deadlineMs: number): Promise<void> {
    const running = new AbortController();
    this.#running.add(running);
    const endDeadline = abortAfter(running, deadlineMs);
    const reply = await this.#replyTo(question, running.signal, deadlineMs);
    endDeadline();
    this.#running.delete(running);
    if (!running.signal.aborted) this.#reply(question, replyTo, reply);
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #replyTo(question: Envelope, signal: AbortSignal, deadlineMs: number): Promise<Reply> {
    const answer = this.#answers.get(question.type);
    if (answer === undefined) {
      return {
        error: { code: 'UNAVAILABLE', message: `${question.type} is not answered here; perhaps by a newer version` },
      };
    }
    const { tenant } = question;
    const about: About = { tenant, envelope: question, signal, ...(deadlineMs > 0 ? { deadlineMs } : {}) };
    try {
      return { result: await answer.answer(question.payload, about) };
    } catch (error) {
      return { error: this.#errorOf(question, error) };
    }
  }

  #errorOf(question: Envelope, error: unknown): ReturnType<typeof errorAnswer> {
    const answer = errorAnswer(error);
    // Only what has no meaning for the asker is for the person on call.
    if (answer.code === 'INTERNAL') {
      const { type, tenant, id, correlationId } = question;
      this.#options.log.error({ err: error, question: type, tenant, id, correlationId }, 'A question was not answered');
    }
    return answer;
  }

  #reply(question: Envelope, replyTo: string | undefined, reply: Reply): void {
    if (replyTo !== undefined) this.#options.replies.send(replyTo, question.id, reply);
  }
}
