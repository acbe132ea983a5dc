import { answering, type QuestionAnswer } from '@verifywise/broker';
import { ListInstalledPlugins } from '@verifywise/contracts';

/** How an installer answers when one tenant has one plugin, not enabled, and the others have nothing. */
export function onlyInstalled(owner: string, pluginId: string): QuestionAnswer {
  const installed = { pluginId, version: '1.0.0', state: 'installed' as const, enabled: false, generation: 1 };
  return answering(ListInstalledPlugins, ({ tenants }) =>
    tenants.map(({ tenant }) => ({ tenant, revision: '1', plugins: tenant === owner ? [installed] : [] })),
  );
}
