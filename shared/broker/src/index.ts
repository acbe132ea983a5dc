export { answering, type QuestionAnswer } from './answers.ts';
export type {
  About,
  Broker,
  BrokerState,
  Consumer,
  Log,
  Message,
  PartitionPrefetch,
  Patience,
  QuestionMessage,
  TenantMessage,
} from './broker.ts';
export { connectBroker, type BrokerOptions } from './connect-broker.ts';
export { hearing, type FactHandler } from './facts.ts';
export { MAX_MESSAGE_BYTES } from './message-bytes.ts';
export type { Delivery, PartitionConsumer, PartitionHandlers, WorkDelivery } from './partition-consumer.ts';
export { tenantOf } from './tenant-of.ts';
