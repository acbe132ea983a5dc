import type { WebhookVerification } from '@verifywise/plugin-types';

export const verifySignature: WebhookVerification['verify'] = () => {
  throw new Error('context.webhooks.verify is not there yet');
};
