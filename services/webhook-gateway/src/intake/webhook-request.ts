/** One request of a sender, as it was accepted. PostgreSQL holds the truth of it. */
export interface WebhookRequest {
  requestId: string;
  tenant: string;
  pluginId: string;
  webhook: string;
  /** The sender's own name for this delivery: what a repetition is recognised by. */
  deliveryId: string | null;
  /** The request this one repeats, because an admin asked for it. */
  replayOf: string | null;
  method: string;
  /** Path and query after the webhook's name, without the endpoint token. */
  url: string;
  headers: Record<string, string | string[]>;
  /** As received, byte for byte; null when it is too large for a message and kept in pieces. */
  body: Buffer | null;
  bodyBytes: number;
  receivedAt: Date;
  /** `accepted` is to be sent, `sent` is with the runners, `finished` has an outcome. */
  state: 'accepted' | 'sent' | 'finished';
  /** When it is to be sent, or sent again, unless something is heard before. */
  sendAt: Date;
  /** How often it was sent since anything was heard of it. */
  unanswered: number;
  /** `answered`, `failed`, `timed-out`, `not-enabled`. */
  outcome: string | null;
  answerStatus: number | null;
  answerHeaders: Record<string, string | string[]> | null;
  answerBody: Buffer | null;
  error: string | null;
  tookMs: number | null;
  finishedAt: Date | null;
}

/** A request without its bytes, for lists. */
export type RequestSummary = Omit<WebhookRequest, 'body' | 'answerBody' | 'headers' | 'answerHeaders'>;

/** The plugin's answer as the sender gets it. */
export interface PluginAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}
