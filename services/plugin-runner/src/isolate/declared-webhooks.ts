import { signatureSchemeOf, type SurfaceVerify, type SurfaceWebhook } from '@verifywise/contracts';
import { signatureSchemes, WEBHOOK_BODY_LIMIT_BYTES, type Webhook, type Webhooks } from '@verifywise/plugin-types';

/** What `webhooks()` declares, as the gateway hears of it. Throws when a webhook asks for what there is not: it must not be open by mistake. */
export function declaredWebhooks(webhooks: Webhooks): SurfaceWebhook[] {
  return Object.entries(webhooks).map(([name, webhook]) => {
    const { verify, bodyLimit, overflow } = webhook;
    return {
      name,
      methods: methodsOf(webhook),
      ...(verify === undefined ? {} : { verify: verifyOf(name, verify) }),
      ...(bodyLimit === undefined ? {} : { bodyLimit: bodyLimitOf(name, bodyLimit) }),
      ...(overflow === 'queue' ? { overflow } : {}),
    };
  });
}

/** Whoever can be read from can be asked how a reading would be answered (RFC 9110 §9.3.2). */
function methodsOf({ method = 'POST' }: Webhook): string[] {
  const declared = [method].flat().map((name) => name.toUpperCase());
  return [...new Set(declared.flatMap((name) => (name === 'GET' ? [name, 'HEAD'] : [name])))];
}

function verifyOf(name: string, { scheme, secretConfigKey }: NonNullable<Webhook['verify']>): SurfaceVerify {
  const known = signatureSchemeOf(scheme);
  if (known === undefined)
    throw new TypeError(
      `Webhook ${name} is to be verified as "${scheme}", which is no scheme; choose ${signatureSchemes.join(', ')}`,
    );
  const secretKeys = [secretConfigKey].flat();
  if (secretKeys.length === 0 || secretKeys.some((key) => typeof key !== 'string' || key === ''))
    throw new TypeError(`Webhook ${name} names no setting with its secret (verify.secretConfigKey)`);
  return { scheme: known, secretKeys };
}

function bodyLimitOf(name: string, bodyLimit: number): number {
  if (Number.isInteger(bodyLimit) && bodyLimit > 0 && bodyLimit <= WEBHOOK_BODY_LIMIT_BYTES) return bodyLimit;
  throw new TypeError(`Webhook ${name} asks for a bodyLimit that is not 1 to ${WEBHOOK_BODY_LIMIT_BYTES} bytes`);
}
