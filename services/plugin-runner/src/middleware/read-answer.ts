import type { HostResponse } from '@verifywise/contracts';
import { MIDDLEWARE_BODY_LIMIT_BYTES, PlatformError } from '@verifywise/contracts';
import type { MiddlewareAnswer } from '../isolate/protocol.ts';
import { isRecord } from '../isolate/record.ts';

/** Both bodies, and what is kept on the request; a message of the broker may have 16 MB. */
const LIMIT_BYTES = 2 * MIDDLEWARE_BODY_LIMIT_BYTES + 2 * 1024 * 1024;

/** The isolate is the plugin's: what comes out of it is checked again before it goes to others. */
export function readAnswer(answer: unknown): MiddlewareAnswer {
  if (!isAnswer(answer)) throw new PlatformError('HANDLER_FAILED', 'What its middleware answered is no answer');
  let bytes: number;
  try {
    bytes = Buffer.byteLength(JSON.stringify(answer));
  } catch (error) {
    throw new PlatformError('HANDLER_FAILED', `What its middleware answered is no JSON: ${(error as Error).message}`);
  }
  if (bytes > LIMIT_BYTES)
    throw new PlatformError('RESULT_TOO_LARGE', `What its middleware answered has more than ${LIMIT_BYTES} bytes`);
  return answer;
}

function isAnswer(value: unknown): value is MiddlewareAnswer {
  if (!isRecord(value)) return false;
  const { kind, failures, state, request, response } = value;
  if (!Array.isArray(failures) || !failures.every((each) => isRecord(each) && typeof each.message === 'string'))
    return false;
  if (kind === 'refuse') return true;
  if (!isRecord(state)) return false;
  if (kind === 'respond') return isResponse(response);
  return (
    kind === 'continue' &&
    (response === undefined || isResponse(response)) &&
    isRecord(request) &&
    isHeaders(request.headers)
  );
}

function isResponse(value: unknown): value is HostResponse {
  if (!isRecord(value)) return false;
  const status = value.status as number;
  return Number.isInteger(status) && status >= 200 && status <= 599 && isHeaders(value.headers);
}

function isHeaders(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.values(value).every(
    (one) => typeof one === 'string' || (Array.isArray(one) && one.every((part) => typeof part === 'string')),
  );
}
