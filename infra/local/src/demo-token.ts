import { StartError } from './start-error.ts';

const ANSWERS_WITHIN_MS = 10_000;

/** A token of one of the demo platform's own users, as its login page would give it. */
export async function demoToken(platformUrl: string, tenant: string, role: string): Promise<string> {
  const response = await fetch(`${platformUrl}/demo/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tenant, role }),
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  });
  const answer = (await response.json().catch(() => ({}))) as { data?: { token?: string } };
  const token = answer.data?.token;
  if (token === undefined) throw new StartError(`The demo platform gave no token for ${tenant} (${response.status})`);
  return token;
}
