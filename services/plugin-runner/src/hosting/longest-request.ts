/** A stream may never end, and the tenant's events wait for the hand-over: what is not answered by then is cut off. */
export const LONGEST_REQUEST_MS = 3_000;
