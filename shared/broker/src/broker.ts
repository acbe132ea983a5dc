import type { Envelope, Fact, Question, ServiceName, Work } from '@verifywise/contracts';
import type { Logger } from 'pino';
import type { QuestionAnswer } from './answers.ts';
import type { FactHandler } from './facts.ts';
import type { PartitionConsumer, PartitionHandlers } from './partition-consumer.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** What a sender says of a message; id, time and correlation are made when they are not given. */
export interface Message<P> {
  tenant: string | null;
  payload: P;
  /** The same for every attempt to send the same thing, so that receivers notice the duplicate. */
  id?: string;
  time?: Date;
  correlationId?: string;
  traceparent?: string;
}

export type TenantMessage<P> = Message<P> & { tenant: string };

/** What a question is about: a tenant, or a partition as such. */
export interface QuestionMessage<P> {
  tenant: string | null;
  /** Instead of the tenant's own partition. */
  partition?: number;
  payload: P;
  correlationId?: string;
  traceparent?: string;
}

export interface Patience {
  deadlineMs?: number;
  signal?: AbortSignal;
}

/** What a handler knows of the message beside its payload. */
export interface About {
  tenant: string | null;
  envelope: Envelope;
  /** Aborted when the asker has given up, or when this process has no more time to finish. */
  signal: AbortSignal;
  /** Of a question: the milliseconds its asker waits, counted from now. */
  deadlineMs?: number;
}

export interface Consumer {
  /** Takes nothing new, lets running handlers finish within a deadline, and ends. */
  stop(): Promise<void>;
}

/** How many events and how much work may be unsettled at a time: 32, and no more than 32. */
export interface PartitionPrefetch {
  eventPrefetch?: number;
  workPrefetch?: number;
}

export type BrokerState = 'connected' | 'connecting' | 'blocked' | 'closed';

/** RabbitMQ behind three verbs: publish a fact, send work, ask a question (architecture §1). */
export interface Broker {
  /**
   * Resolves once RabbitMQ has confirmed the fact on disk. Rejects with PUBLISH_TIMED_OUT or BROKER_UNAVAILABLE, after which
   * the caller may repeat with the same id; with TOO_LARGE or BAD_REQUEST when it can never be sent.
   */
  publish<P>(fact: Fact<P>, message: Message<P>, patience?: Patience): Promise<void>;
  /** Resolves once the work is confirmed in the queue of the tenant's partition; rejects like `publish`, and with NO_RUNNER when that queue is missing. */
  send<P, O>(work: Work<P, O>, message: TenantMessage<P>, patience?: Patience): Promise<void>;
  /** Sends work and waits for its outcome. Rejects with TIMED_OUT when none came in time (the work still happens), or with the worker's own error. */
  sendAndWait<P, O>(
    work: Work<P, O>,
    message: TenantMessage<P>,
    patience: Patience & { deadlineMs: number },
  ): Promise<O>;
  /** Rejects with the answerer's `{code, message, details}`, ASK_TIMED_OUT, or NO_RUNNER/UNAVAILABLE when no queue takes the question. */
  ask<P, A>(question: Question<P, A>, message: QuestionMessage<P>, patience?: Patience): Promise<A>;
  /** Answers a service's questions, shared with its other replicas. All of them in one call: they come through one queue. */
  answerQuestions(service: ServiceName, answers: QuestionAnswer[]): Promise<Consumer>;
  /**
   * Hears facts of every tenant, shared with the service's other replicas. All of them in one call: they come through one queue.
   * At most `prefetch` (32, and no more) are handled side by side; one that failed `attempts` (5) times is a dead letter.
   */
  subscribe(
    service: ServiceName,
    handlers: FactHandler[],
    options?: { prefetch?: number; attempts?: number },
  ): Promise<Consumer>;
  /**
   * Hears facts of every tenant in this process alone, however many replicas hear them too. Facts of a time without connection are
   * lost: `missed` is called whenever it begins to hear, so that what is kept because of facts is looked up anew.
   */
  overhear(handlers: FactHandler[], missed: () => void): Promise<Consumer>;
  /** Stands in line for a partition: active as soon as the consumer before has closed its channel or died. */
  consumePartition(
    partition: number,
    handlers: PartitionHandlers,
    options?: PartitionPrefetch,
  ): Promise<PartitionConsumer>;
  /** Declares the queues of every partition, so that what is sent waits when no runner lives. */
  declarePartitions(): Promise<void>;
  /** Connected, every consumer alive, and not blocked for long. */
  readonly healthy: boolean;
  readonly state: BrokerState;
  /** Lets consumers finish, flushes what is not confirmed, closes both connections; each step within a deadline. Nothing of it keeps the process alive afterwards. */
  close(): Promise<void>;
}
