import {
  answering,
  connectBroker,
  type Broker,
  type QuestionAnswer,
  type WorkDelivery,
} from '../../shared/broker/src/index.ts';
import { FindHolder, partitionOf } from '../../shared/contracts/src/index.ts';
import { createLogger } from '../../shared/service-kit/src/index.ts';

/** A piece of work as the fake runner got it. */
export interface ReceivedWork<P = unknown> {
  id: string;
  type: string;
  tenant: string | null;
  payload: P;
}

export interface FakeRunner {
  readonly broker: Broker;
  /** Everything that was taken from the tenant's work queue, in order. */
  readonly received: ReceivedWork[];
  close(): Promise<void>;
}

/** The owner of one tenant's partition as the other services see it: takes its work and answers questions. No plugin in it. */
export async function startFakeRunner(options: {
  brokerUrl: string;
  tenant: string;
  /** The outcome goes to whoever waits for it; undefined for work that reports by a fact only. */
  work: (work: ReceivedWork, broker: Broker) => unknown;
  /** What any runner answers, such as FindSurface. */
  answers?: QuestionAnswer[];
}): Promise<FakeRunner> {
  const log = createLogger('fake-runner', 'silent');
  const broker = await connectBroker({ url: options.brokerUrl, source: 'plugin-runner', log });
  const received: ReceivedWork[] = [];
  const take = async (delivery: WorkDelivery) => {
    const { id, type, tenant, payload } = delivery.envelope;
    const work = { id, type, tenant, payload };
    received.push(work);
    const outcome = await options.work(work, broker);
    if (outcome !== undefined) delivery.reply(outcome);
    delivery.ack();
  };
  const consumer = await broker.consumePartition(partitionOf(options.tenant), {
    event: (delivery) => void delivery.ack(),
    // A broker that was killed in between delivers again what was not settled.
    work: (delivery) => void take(delivery).catch(() => undefined),
    answers: [answering(FindHolder, () => ({ runnerId: 'fake', url: 'http://127.0.0.1:1', epoch: 1 }))],
    lost: () => undefined,
  });
  const questions = options.answers && (await broker.answerQuestions('plugin-runner', options.answers));
  return {
    broker,
    received,
    async close() {
      await questions?.stop();
      await consumer.handOver({ deadlineMs: 1_000 });
      await broker.close();
    },
  };
}
