import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import { PlatformError, RunFilters } from '@verifywise/contracts';
import type { RunFilters as Run } from '../filtering/run-filters.ts';
import { isPlainObject } from '../filtering/run-filters.ts';
import { askedDeadline, askedTenant } from './asked-tenant.ts';

/** `runner.run-filters`: the host applies a filter over all plugins of one tenant. */
export function runFilters(run: Run): QuestionAnswer {
  return answering(RunFilters, (asked, about) => {
    const { filter, data } = asked as Partial<typeof asked>;
    if (typeof filter !== 'string' || !isPlainObject(data))
      throw new PlatformError('FILTER_INVALID', 'A filter has a name, and its data is an object');
    return run(askedTenant(about), { filter, data }, { deadlineMs: askedDeadline(about) });
  });
}
