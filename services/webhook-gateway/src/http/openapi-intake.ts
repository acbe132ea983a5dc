import { route } from '@verifywise/service-kit';
import { SENDER_STATUSES } from './intake-routes.ts';
import { uuid } from './openapi.ts';

const answersToSenders = {
  200: 'The plugin answered in time: its status, headers and body',
  [SENDER_STATUSES.accepted]: {
    description: 'Stored and on its way to the plugin',
    data: { type: 'object', required: ['requestId'], properties: { requestId: uuid } },
  },
  [SENDER_STATUSES.unsigned]: 'Not signed as the webhook expects',
  [SENDER_STATUSES.none]: 'No such webhook, whatever was wrong with the address',
  [SENDER_STATUSES.notAllowed]: 'The plugin does not declare this method; Allow has those that it does',
  [SENDER_STATUSES.tooLarge]: 'The body is too large',
  [SENDER_STATUSES.limited]: 'Too many requests; Retry-After says when to send again',
  500: 'The handler failed; the request is kept, with the id in details, and an admin can replay it',
};

const intakePaths = [
  ['/api/plugins/:id/webhooks/:name/:token', 'its tenant told by the endpoint token (also as ?token=)'],
  ['/api/plugins/:id/webhooks/:name', 'its tenant told by the host name, or by the account whose signature it carries'],
] as const;
const intakeMethods = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** What senders may do; each method only where the plugin declares it. */
export const intakeRoutesDescribed = intakePaths.flatMap(([path, told]) =>
  intakeMethods.map((method) =>
    route({ method, path, summary: `Takes a webhook in, ${told}`, role: 'none', answers: answersToSenders }),
  ),
);
