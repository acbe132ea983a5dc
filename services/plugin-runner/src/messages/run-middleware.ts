import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import type { HostRequest, HostResponse, MiddlewareRun } from '@verifywise/contracts';
import { PlatformError, RunMiddleware } from '@verifywise/contracts';
import { isRecord } from '../isolate/record.ts';
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
  if (!isRecord(value) || !isRequest(value.request)) return false;
  if (value.phase === 'after') return isRecord(value.state) && isResponse(value.response);
  return value.phase === 'before';
}

function isRequest(value: unknown): value is HostRequest {
  return (
    isRecord(value) && typeof value.method === 'string' && typeof value.url === 'string' && isRecord(value.headers)
  );
}

function isResponse(value: unknown): value is HostResponse {
  return isRecord(value) && Number.isInteger(value.status) && isRecord(value.headers);
}
