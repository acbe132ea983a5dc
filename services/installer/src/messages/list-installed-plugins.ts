import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { ListInstalledPlugins } from '@verifywise/contracts';
import type { Installations } from '../installation/hands.ts';

export function listInstalledPlugins(installations: Installations): QuestionAnswer {
  return answering(ListInstalledPlugins, async (_, about) => {
    const records = await installations.list(tenantOf(about));
    // What is still being installed may yet be undone.
    return records
      .filter(({ state }) => state !== 'installing')
      .map(({ pluginId, version, state, desired, generation }) => {
        return { pluginId, version, state, enabled: desired === 'enabled', generation };
      });
  });
}
