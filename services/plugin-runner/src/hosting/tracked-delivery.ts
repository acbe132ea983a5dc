import type { Delivery } from '@verifywise/broker';

/** One event on its way to several plugins: acknowledged once every one of them is done with it. */
export class TrackedDelivery {
  readonly delivery: Delivery;
  /** The order in which the broker delivered. */
  readonly sequence: number;
  #open: number;

  constructor(delivery: Delivery, sequence: number, lanes: number) {
    this.delivery = delivery;
    this.sequence = sequence;
    this.#open = lanes;
  }

  /** One lane is done with it. */
  done(): void {
    this.#open -= 1;
    if (this.#open === 0) this.delivery.ack();
  }
}
