import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import type { HostRequest, HostResponse, MiddlewareRun } from '@verifywise/contracts';
import { PlatformError, RunMiddleware } from '@verifywise/contracts';
import type { RunMiddleware as Run } from '../middleware/run-middleware.ts';
import { askedDeadline, askedTenant } from './asked-tenant.ts';

/** `runner.run-middleware`: one request of the host, before or after its route. */
export function runMiddleware(run: Run): QuestionAnswer {
  return answering(RunMiddleware, (asked, about) => {
    if (!isRun(asked)) {
      const message = 'Middleware is asked about a request, and after the route about its answer too';
      throw new PlatformError('MIDDLEWARE_INVALID', message);
    }
    return run(askedTenant(about), asked, { deadlineMs: askedDeadline(about) });
  });
}

function isRun(value: unknown): value is MiddlewareRun {
  if (!isObject(value) || !isRequest(value.request)) return false;
  if (value.phase === 'after') return isObject(value.state) && isResponse(value.response);
  return value.phase === 'before';
}

function isRequest(value: unknown): value is HostRequest {
  return (
    isObject(value) && typeof value.method === 'string' && typeof value.url === 'string' && isObject(value.headers)
  );
}

function isResponse(value: unknown): value is HostResponse {
  return isObject(value) && Number.isInteger(value.status) && isObject(value.headers);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
