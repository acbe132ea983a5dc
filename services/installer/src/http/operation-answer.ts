import { errorFromAnswer, type Identity, type PlatformError } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { Request, Response } from 'express';
import type { ViewPlugins } from '../installation/plugin-view.ts';
import type { Operation } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import { shownError } from './shown-errors.ts';

/** Proxies in front of us give up after 30 s; until shortly before, the answer may be the result itself (contract §5). */
const ANSWER_WITHIN_MS = 25_000;

export type AnswerOperation = (
  req: Request,
  res: Response,
  operation: Operation,
  options?: { created?: boolean },
) => Promise<void>;

/** Answers with what the operation came to, or with 202 and where to look when that takes longer. */
export function answerOperations(operations: Operations, plugins: ViewPlugins): AnswerOperation {
  return async (req, res, operation, { created = false } = {}) => {
    const { id, tenant, pluginId } = operation;
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const ended = prefersAsync(req) ? operation : await operations.wait(tenant, id, ANSWER_WITHIN_MS, gone.signal);
    res.set('X-Operation-Id', id);
    if (ended.status === 'failed') throw failureOf(ended);
    if (ended.status !== 'succeeded') {
      if (prefersAsync(req)) res.set('Preference-Applied', 'respond-async');
      const location = `/api/plugins/operations/${id}`;
      res
        .status(202)
        .location(location)
        .json(success({ operationId: id, status: ended.status, location }));
      return;
    }
    const { checksum, warnings = [], hookErrors = [] } = ended.progress;
    const plugin = (await plugins.find(tenant, pluginId)) ?? { id: pluginId, state: 'uninstalled', installed: false };
    const notes = {
      ...(checksum === undefined ? {} : { checksum }),
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(hookErrors.length > 0 ? { hookErrors } : {}),
    };
    res.status(created ? 201 : 200).json(success({ ...plugin, ...notes, operationId: id }));
  };
}

function prefersAsync(req: Request): boolean {
  return /(^|[,\s])respond-async($|[,;\s])/i.test(req.get('prefer') ?? '');
}

/** Whoever may start an operation may read a stack; of a plugin that could not be installed there is no other place for it. */
function failureOf({ error, id }: Operation): PlatformError {
  const { code, message, details, stack } = error ?? { code: 'INTERNAL', message: `Operation ${id} failed` };
  const more = typeof details === 'object' ? details : {};
  // Of a dependency that failed, its own operation says more.
  const told = { operationId: id, ...more, ...(stack === undefined ? {} : { stack }) };
  return errorFromAnswer({ code, message, details: told });
}

/** An operation as this user may see it. */
export function operationView(operation: Operation, who: Identity) {
  const { id, pluginId, kind, status, error, steps, createdAt, finishedAt } = operation;
  return {
    operationId: id,
    pluginId,
    operation: kind,
    status,
    error: error === null ? null : shownError(error, who),
    steps: steps.map((step) => ({ ...step, error: step.error === null ? null : shownError(step.error, who) })),
    createdAt,
    finishedAt,
  };
}
