import { route } from '@verifywise/service-kit';
import { params } from './openapi.ts';

const bytes = { description: 'The bytes as they came', contentType: 'application/octet-stream' };

/** The bodies of stored requests. */
export const bodyRoutesDescribed = {
  forAdmin: route({
    method: 'get',
    path: '/api/plugins/:id/webhooks/requests/:requestId/body',
    summary: 'The body of a request, byte for byte',
    role: 'Admin',
    params: params('requestId'),
    answers: { 200: bytes },
  }),
  forRunner: route({
    method: 'get',
    path: '/internal/webhook-bodies/:requestId',
    summary:
      'A body that is too large for a message, for the runner that delivers it; the service token names the tenant',
    role: 'service',
    answers: { 200: bytes },
  }),
};
