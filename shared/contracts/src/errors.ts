import { statusOfArchiveCode } from './archive-codes.ts';

/**
 * The one table of error codes and what each means over HTTP (contract §5).
 * A code is what programs compare; the message is what people read: what happened, to what, and what to do next.
 */
export const statusOfCode = {
  ...statusOfArchiveCode,
  // 400: the request itself is malformed
  BAD_REQUEST: 400,
  VALIDATION_FAILED: 400,
  // 401, 403: who asks
  UNAUTHENTICATED: 401,
  SIGNATURE_INVALID: 401,
  FORBIDDEN: 403,
  PERMISSION_DENIED: 403,
  EGRESS_REFUSED: 403,
  // 404: not there, or another tenant's
  NOT_FOUND: 404,
  PLUGIN_NOT_FOUND: 404,
  PLUGIN_NOT_INSTALLED: 404,
  PLUGIN_NOT_ENABLED: 404,
  OPERATION_NOT_FOUND: 404,
  REGISTRY_NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  WEBHOOK_NOT_FOUND: 404,
  SCHEDULE_NOT_FOUND: 404,
  REQUEST_NOT_FOUND: 404,
  PACKAGE_NOT_FOUND: 404,
  ALERT_NOT_FOUND: 404,
  // 409: not in this state
  ALREADY_INSTALLED: 409,
  NOTHING_TO_UPDATE: 409,
  NOTHING_TO_ROLL_BACK: 409,
  DEPENDENCIES_MISSING: 409,
  DEPENDENCY_CONFLICT: 409,
  DEPENDENTS_EXIST: 409,
  CONFIG_MISSING: 409,
  PERMISSIONS_NOT_ACCEPTED: 409,
  IDEMPOTENCY_KEY_REUSED: 409,
  JOB_RUNNING: 409,
  TOO_MANY_SCHEDULES: 409,
  CONFLICT: 409,
  // 412: it has changed since it was read
  PRECONDITION_FAILED: 412,
  // 413, 415: what was sent
  TOO_LARGE: 413,
  PACKAGE_TOO_LARGE: 413,
  NOT_A_ZIP: 415,
  UNSUPPORTED_MEDIA_TYPE: 415,
  // 421: asked the wrong runner; ask again
  NOT_THE_OWNER: 421,
  // 422: understood, and refused
  CHECKSUM_MISMATCH: 422,
  DOWNLOAD_URL_MISMATCH: 422,
  MANIFEST_INVALID: 422,
  MANIFEST_MISSING: 422,
  MANIFEST_MISMATCH: 422,
  PLUGIN_LOAD_FAILED: 422,
  INCOMPATIBLE: 422,
  CONFIG_INVALID: 422,
  METADATA_INVALID: 422,
  METADATA_TOO_LARGE: 422,
  SCHEDULE_INVALID: 422,
  SCHEDULE_TOO_FREQUENT: 422,
  EVENT_INVALID: 422,
  FILTER_INVALID: 422,
  MIDDLEWARE_INVALID: 422,
  MODEL_INVALID: 422,
  TABLE_NAME_INVALID: 422,
  QUERY_FAILED: 422,
  RESULT_TOO_LARGE: 422,
  // 423: somebody else is at it
  BUSY: 423,
  // 424: it needs something that failed
  DEPENDENCY_FAILED: 424,
  // 429
  RATE_LIMITED: 429,
  // 500: our fault or the plugin's
  INTERNAL: 500,
  HOOK_FAILED: 500,
  HANDLER_FAILED: 500,
  PLUGIN_CRASHED: 500,
  // 502: what we fetched from
  REGISTRY_UNAVAILABLE: 502,
  REGISTRY_INVALID: 502,
  DOWNLOAD_FAILED: 502,
  DOWNLOAD_REFUSED: 502,
  UPSTREAM_FAILED: 502,
  // 503: come back later
  UNAVAILABLE: 503,
  NO_RUNNER: 503,
  BROKER_UNAVAILABLE: 503,
  STOPPING: 503,
  // 504: too slow
  ASK_TIMED_OUT: 504,
  PUBLISH_TIMED_OUT: 504,
  HOOK_TIMED_OUT: 504,
  HANDLER_TIMED_OUT: 504,
  QUERY_TIMED_OUT: 504,
  TIMED_OUT: 504,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof statusOfCode;

/** True when `code` is one of the table. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(statusOfCode, code);
}

/** What of an error may travel over the broker or to an HTTP client: no stack, no SQL. */
export interface ErrorAnswer {
  code: ErrorCode;
  message: string;
  details?: unknown;
}

/** The parent of every error of the platform that has a meaning for its caller. */
export class PlatformError extends Error {
  readonly code: ErrorCode;
  /** Machine-readable particulars for the caller (`missing`, `dependents`, `issues`, …); never a secret. */
  readonly details?: unknown;

  constructor(code: ErrorCode, message: string, options: { details?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    if (options.details !== undefined) this.details = options.details;
  }
}

/** The answer to give for any thrown thing; what has no code of ours is INTERNAL and keeps its message to itself. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof PlatformError) {
    const { code, message, details } = error;
    return details === undefined ? { code, message } : { code, message, details };
  }
  return { code: 'INTERNAL', message: 'Something went wrong on our side; the request id finds it in the logs' };
}

/** An answer that came by wire as an error again. Compare its `code`, never its class. */
export function errorFromAnswer(answer: ErrorAnswer): PlatformError {
  return new PlatformError(answer.code, answer.message, { details: answer.details });
}
