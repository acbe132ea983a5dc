import { WEBHOOK_MESSAGE_BODY_BYTES } from '@verifywise/contracts';
import type { Arrival } from './arrival.ts';
import type { Endpoint } from './endpoint.ts';
import { Remembered } from './remembered.ts';
import { accountIn } from './sender-account.ts';
import type { SettingsBook } from './webhook-settings.ts';

export interface FindByAccountParts {
  claimants: SettingsBook['claimants'];
  /** Whether the request is signed as this webhook of this tenant expects; false when it expects no signature. */
  isSigned: (endpoint: Endpoint, arrival: Arrival, body: Buffer) => Promise<boolean>;
}

/** Whose a request without a token is, and the request again, whose body had to be read for that. */
export interface Claimed {
  endpoint: Endpoint;
  arrival: Arrival;
}

/**
 * One address for all tenants, as a Slack or GitHub app has: the account in the payload tells whose a request is, and it counts only when
 * the request is signed with that tenant's secret. Anybody may claim an account; who does not know its secret gets nothing by it.
 */
export function createFindByAccount({ claimants, isSigned }: FindByAccountParts) {
  const remembered = new Remembered<Endpoint[]>();
  return async function findByAccount(arrival: Arrival): Promise<Claimed | undefined> {
    const { pluginId, webhook } = arrival;
    // Where nobody has claimed anything, no body is read.
    const all = await remembered.find(`${pluginId}/${webhook}`, () => claimants(pluginId, webhook, undefined));
    if (all.length === 0) return undefined;
    const body = await wholeBody(arrival);
    const contentType = [arrival.headers['content-type']].flat()[0];
    // Slack's challenge names no team, and is answered alike by whoever has the app's secret.
    const account = accountIn(contentType, body);
    const candidates = account === undefined ? all : await claimants(pluginId, webhook, account);
    const again = { ...arrival, body: () => inOnePiece(body) };
    for (const endpoint of candidates) if (await isSigned(endpoint, again, body)) return { endpoint, arrival: again };
    return undefined;
  };
}

async function* inOnePiece(body: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(body);
}

async function wholeBody(arrival: Arrival): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of arrival.body(WEBHOOK_MESSAGE_BODY_BYTES)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
