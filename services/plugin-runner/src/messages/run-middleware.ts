import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import type { HostRequest, HostResponse } from '@verifywise/contracts';
import { PlatformError, RunMiddleware } from '@verifywise/contracts';
import type { RunMiddleware as Run } from '../middleware/run-middleware.ts';
import { askedDeadline, askedTenant } from './asked-tenant.ts';

/** `runner.run-middleware`: one request of the host, before or after its route. */
export function runMiddleware(run: Run): QuestionAnswer {
  return answering(RunMiddleware, (asked, about) => {
    const { phase, request } = asked;
    if (
      !isRequest(request) ||
      (phase === 'after' ? !isObject(asked.state) || !isResponse(asked.response) : phase !== 'before')
    )
      throw new PlatformError(
        'MIDDLEWARE_INVALID',
        'Middleware is asked about a request, and after the route about its answer',
      );
    return run(askedTenant(about), asked, { deadlineMs: askedDeadline(about) });
  });
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
