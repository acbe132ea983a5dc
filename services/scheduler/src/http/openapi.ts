import { route, type JsonSchema } from '@verifywise/service-kit';

const time: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const note: JsonSchema = { type: ['string', 'null'] };

const job: JsonSchema = {
  type: 'object',
  required: [
    'name',
    'timing',
    'nextRun',
    'lastRun',
    'lastOutcome',
    'paused',
    'pausedBy',
    'fired',
    'skipped',
    'lastError',
  ],
  properties: {
    name: { type: 'string' },
    timing: {
      type: 'object',
      description:
        'Exactly one of cron, every (milliseconds) and once; with tz, delay, limit, attempts, backoff, misfire, overlap',
    },
    nextRun: time,
    lastRun: time,
    lastOutcome: { ...note, description: 'done, failed (tried again), dead, no-handler or not-enabled' },
    paused: { type: 'boolean' },
    pausedBy: { enum: ['admin', 'plugin-disabled', null] },
    fired: { type: 'integer' },
    skipped: { type: 'integer', description: 'Slots left out because the run before was still going' },
    lastError: note,
  },
};

const ofPlugin: JsonSchema = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', maxLength: 50 } },
};
const ofJob: JsonSchema = {
  type: 'object',
  required: ['id', 'name'],
  properties: { id: { type: 'string', maxLength: 50 }, name: { type: 'string', maxLength: 128 } },
};

/** The HTTP API of the scheduler: what checks the requests is what /openapi.json tells. */
export const jobRoutesDescribed = {
  list: route({
    method: 'get',
    path: '/api/plugins/:id/jobs',
    summary: 'The scheduled jobs of a plugin',
    role: 'any',
    params: ofPlugin,
    answers: { 200: { description: 'By name', data: { type: 'array', items: job } } },
  }),
  run: route({
    method: 'post',
    path: '/api/plugins/:id/jobs/:name/run',
    summary: 'Runs a job now, beside its schedule',
    role: 'Admin',
    params: ofJob,
    answers: {
      202: {
        description: 'It is on its way',
        data: { type: 'object', required: ['fireId'], properties: { fireId: { type: 'string', format: 'uuid' } } },
      },
    },
  }),
  pause: route({
    method: 'post',
    path: '/api/plugins/:id/jobs/:name/pause',
    summary: 'Stops a job from firing until it is resumed',
    role: 'Admin',
    params: ofJob,
    answers: { 200: { description: 'The job as it is now', data: job } },
  }),
  resume: route({
    method: 'post',
    path: '/api/plugins/:id/jobs/:name/resume',
    summary: 'Lets a paused job fire again; what it missed follows its misfire option',
    role: 'Admin',
    params: ofJob,
    answers: { 200: { description: 'The job as it is now', data: job } },
  }),
};
