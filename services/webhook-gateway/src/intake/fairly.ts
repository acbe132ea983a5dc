import type { FairTurns } from './fair-turns.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { RequestBook } from './request-book.ts';

/** The same book; what senders cause to be written goes round the tenants. */
export function fairlyKept(requests: RequestBook, turns: FairTurns): RequestBook {
  return {
    ...requests,
    accept: (request, sendInMs) => turns.run(request.tenant, () => requests.accept(request, sendInMs)),
    markSent: (request, inMs) => turns.run(request.tenant, () => requests.markSent(request, inMs)),
    giveBack: (request, inMs) => turns.run(request.tenant, () => requests.giveBack(request, inMs)),
    conclude: (tenant, outcome) => turns.run(tenant, () => requests.conclude(tenant, outcome)),
    find: (tenant, requestId) => turns.run(tenant, () => requests.find(tenant, requestId)),
  };
}

/** The same bodies, whose pieces are written in turn with everything else. */
export function fairlyStored(bodies: LargeBodies, turns: FairTurns): LargeBodies {
  return {
    ...bodies,
    add: (place, position, bytes) => turns.run(place.tenant, () => bodies.add(place, position, bytes)),
  };
}
