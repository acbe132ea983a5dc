import { errorFromAnswer, type PlatformError } from '@verifywise/contracts';
import { success } from '@verifywise/service-kit';
import type { Request, Response } from 'express';
import type { ViewPlugins } from '../installation/plugin-view.ts';
import type { Operation } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';

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

function failureOf({ error, id }: Operation): PlatformError {
  return errorFromAnswer(error ?? { code: 'INTERNAL', message: `Operation ${id} failed` });
}

/** An operation as an admin sees it; stacks are for GET …/errors. */
export function operationView({ id, pluginId, kind, status, error, steps, createdAt, finishedAt }: Operation) {
  return {
    operationId: id,
    pluginId,
    operation: kind,
    status,
    error: error === null ? null : withoutStack(error),
    steps: steps.map((step) => ({ ...step, error: step.error === null ? null : withoutStack(step.error) })),
    createdAt,
    finishedAt,
  };
}

function withoutStack({ stack: _, ...error }: NonNullable<Operation['error']>) {
  return error;
}
