/**
 * How many messages of a quorum queue may be unsettled at a time.
 * RabbitMQ hands up to 32 acknowledgements of a channel to the queue at once and holds further ones back; a channel that
 * closes loses those, and what was acknowledged is delivered again. With 32 messages on their way none is ever held back.
 */
export const MAX_PREFETCH = 32;

/** The wished prefetch within what hands over without repeating anything. */
export function prefetchOf(wished: number | undefined): number {
  return Math.min(wished ?? MAX_PREFETCH, MAX_PREFETCH);
}
