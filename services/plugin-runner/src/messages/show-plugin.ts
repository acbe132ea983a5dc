import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import { ShowPlugin } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import { askedTenant } from './asked-tenant.ts';

/** `runner.show-plugin`: how a plugin is, as the runner that hosts it sees it. */
export function showPlugin(hosting: Pick<Hosting, 'view'>): QuestionAnswer {
  return answering(ShowPlugin, ({ pluginId }, about) => {
    const view = hosting.view(askedTenant(about), pluginId);
    if (!view) return Promise.resolve(null);
    const { since, lastCrash, ...rest } = view;
    return Promise.resolve({
      ...rest,
      since: since.toISOString(),
      lastCrash: lastCrash && { ...lastCrash, at: lastCrash.at.toISOString() },
    });
  });
}
