import { jsonIn } from './delivery-id.ts';

/** Whose account at the sender a request is about, as admins claim it. */
export const ACCOUNT = '^(slack:[A-Z0-9]{2,32}|github:[0-9]{1,20})$';

const SLACK_ID = /^[A-Z0-9]{2,32}$/;

/** `slack:T0123` or `github:1234567`, as the payload says; undefined when it names no account. Believed only once its signature fits. */
export function accountIn(contentType: string | undefined, body: Buffer): string | undefined {
  const payload = payloadIn(contentType, body);
  if (payload === undefined) return undefined;
  const team = payload.team_id ?? (payload.team as { id?: unknown } | null | undefined)?.id;
  if (typeof team === 'string' && SLACK_ID.test(team)) return `slack:${team}`;
  const installation = (payload.installation as { id?: unknown } | null | undefined)?.id;
  return Number.isSafeInteger(installation) && Number(installation) > 0 ? `github:${String(installation)}` : undefined;
}

/** Events are JSON; Slack's commands are a form, and its interactions JSON in the field `payload` of a form, as GitHub's may be. */
function payloadIn(contentType: string | undefined, body: Buffer): Record<string, unknown> | undefined {
  if (!/^application\/x-www-form-urlencoded\b/i.test(contentType ?? '')) return jsonIn(body);
  const form = new URLSearchParams(body.toString('utf8'));
  const payload = form.get('payload');
  return payload === null ? Object.fromEntries(form) : jsonIn(Buffer.from(payload));
}
