import { expect } from '@jest/globals';
import type { WebhookAnswer, WebhookDelivery } from '@verifywise/contracts';
import { SignJWT } from 'jose';
import type { FakeRunner } from '../../../../test/support/fake-runner.ts';

/** Of the platform's tokens in tests. */
export const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
export const PLUGIN = 'jira-integration';

export interface RunningGateway {
  url: string;
  stop(): Promise<void>;
}

export interface AdminCall {
  method?: string;
  body?: unknown;
  tenant?: string;
  role?: string;
}

export function deliveriesOf(runner: FakeRunner): WebhookDelivery[] {
  return runner.received.map(({ payload }) => payload as WebhookDelivery);
}

export function anAnswer(status: number, body = '', headers: Record<string, string> = {}): WebhookAnswer {
  return { status, headers, bodyBase64: Buffer.from(body).toString('base64') };
}

export async function admin(url: string, path: string, options: AdminCall = {}) {
  const token = await new SignJWT({ tenant: options.tenant ?? 'acme', role: options.role ?? 'Admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(SECRET));
  const answer = await fetch(`${url}/api/plugins/${PLUGIN}/webhooks${path}`, {
    method: options.method ?? 'GET',
    headers: {
      authorization: `Bearer ${token}`,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.headers.get('content-type') === 'application/octet-stream') return { status: answer.status, bytes };
  const { data, error } = JSON.parse(bytes.toString()) as { data?: unknown; error?: { code: string } };
  return { status: answer.status, data, error };
}

/** The path a sender knows: that of the URL an admin was shown. */
export async function endpointOf(gateway: Pick<RunningGateway, 'url'>, name = 'issue-updated', tenant = 'acme') {
  const { webhooks } = (await admin(gateway.url, '', { tenant })).data as { webhooks: { name: string; url: string }[] };
  const url = webhooks.find((webhook) => webhook.name === name)?.url ?? '';
  expect(url).toMatch(/^https:\/\/hooks\.example\.com\/api\/plugins\/jira-integration\/webhooks\/[a-z-]+\/whk_/);
  return new URL(url).pathname;
}

export const post = (gateway: Pick<RunningGateway, 'url'>, path: string, init: RequestInit = {}) =>
  fetch(`${gateway.url}${path}`, { method: 'POST', ...init });
