import { deadKinds, exchanges, queues, serviceNames } from '@verifywise/contracts';
import { connect } from 'amqplib';

/** Removes every queue and exchange of the platform, so that a test file finds no message of the one before it. */
export async function cleanBroker(brokerUrl: string, partitions: number): Promise<void> {
  const connection = await connect(brokerUrl, { noDelay: true });
  try {
    const channel = await connection.createChannel();
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const names = [
      ...numbers.flatMap((partition) => [
        queues.partitionEvents(partition),
        queues.partitionWork(partition),
        queues.partitionCalls(partition),
      ]),
      ...serviceNames.flatMap((service) => [queues.serviceCalls(service), queues.serviceFacts(service)]),
      ...deadKinds.map(queues.dead),
    ];
    for (const name of names) await channel.deleteQueue(name);
    for (const name of Object.values(exchanges)) await channel.deleteExchange(name);
  } finally {
    await connection.close();
  }
}
