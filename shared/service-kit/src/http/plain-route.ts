import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A route that is served on Node's own request and response, without Express: for what is asked so often that choosing among routers
 * would cost more than answering. It gets request ids, metrics, draining and the error envelope like every other.
 */
export interface PlainRoute {
  /** Its name in metrics, as Express would write it: `/api/plugins/:id{/*path}`. */
  readonly route: string;
  /** Whether the request is its affair; what it does not take, the routers are asked for. */
  takes(req: IncomingMessage): boolean;
  /** Answers; what it throws is answered by the error envelope. */
  serve(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

/** The path of a request, without its query. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
