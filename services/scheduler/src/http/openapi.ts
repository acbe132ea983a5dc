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
    'attempts',
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
    attempts: { type: 'integer', description: 'Attempts of the last run so far' },
    paused: { type: 'boolean' },
    pausedBy: { enum: ['admin', 'plugin-disabled', null] },
    fired: { type: 'integer', description: 'Runs so far, of its slots and by hand' },
    skipped: { type: 'integer', description: 'Slots left out because the run before was still going' },
    lastError: note,
  },
};

const run: JsonSchema = {
  type: 'object',
  required: ['fireId', 'dueAt', 'state', 'byHand', 'failures', 'outcome', 'error', 'tookMs', 'finishedAt'],
  properties: {
    fireId: { type: 'string', format: 'uuid' },
    dueAt: { type: 'string', format: 'date-time' },
    state: { enum: ['due', 'failed', 'sending', 'sent', 'done', 'dead'] },
    byHand: { type: 'boolean' },
    failures: { type: 'integer', description: 'Attempts that failed' },
    outcome: note,
    error: note,
    tookMs: { type: ['integer', 'null'] },
    finishedAt: time,
  },
};

const notFound = 'SCHEDULE_NOT_FOUND: the plugin has no job of that name';

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
    answers: {
      200: { description: 'By name', data: { type: 'array', items: job } },
      404: 'PLUGIN_NOT_INSTALLED: the tenant does not have the plugin',
    },
  }),
  runs: route({
    method: 'get',
    path: '/api/plugins/:id/jobs/:name/runs',
    summary: 'The newest runs of a job',
    role: 'any',
    params: ofJob,
    answers: { 200: { description: 'Newest first, 50 at most', data: { type: 'array', items: run } }, 404: notFound },
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
      404: notFound,
      409: 'JOB_RUNNING: it is running, and its runs may not overlap. CONFLICT: its plugin is disabled',
    },
  }),
  pause: route({
    method: 'post',
    path: '/api/plugins/:id/jobs/:name/pause',
    summary: 'Stops a job from firing until it is resumed',
    role: 'Admin',
    params: ofJob,
    answers: { 200: { description: 'The job as it is now', data: job }, 404: notFound },
  }),
  resume: route({
    method: 'post',
    path: '/api/plugins/:id/jobs/:name/resume',
    summary: 'Lets a paused job fire again; what it missed follows its misfire option',
    role: 'Admin',
    params: ofJob,
    answers: { 200: { description: 'The job as it is now', data: job }, 404: notFound },
  }),
};
