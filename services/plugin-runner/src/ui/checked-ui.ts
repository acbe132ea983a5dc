import type { ManifestIssue, Surface } from '@verifywise/contracts';
import { offeredInManifest, readUiExtensions } from '@verifywise/contracts';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';

type Offering = Pick<HostedPlugin, 'pluginId' | 'installation' | 'log'>;

/**
 * What a plugin shows on the pages of the platform: what its code offers and its manifest says, without what is not as it should be.
 * The plugin's log says what was left out, once.
 */
export function createCheckedUi(): (plugin: Offering, surface: Surface) => Surface {
  const told = new WeakMap<Offering, string>();
  return (plugin, surface) => {
    const declared = offeredInManifest(plugin.installation.manifest.ui);
    const { widgets, pages, issues } = readUiExtensions(plugin.pluginId, {
      widgets: [...surface.widgets, ...declared.widgets],
      pages: [...surface.pages, ...declared.pages],
    });
    const said = issues.map(sentenceOf);
    // A plugin says what it offers again with every handler it adds.
    if (told.get(plugin) !== said.join('\n')) for (const sentence of said) plugin.log('warn', sentence);
    told.set(plugin, said.join('\n'));
    return { ...surface, widgets, pages };
  };
}

function sentenceOf({ path, message, hint }: ManifestIssue): string {
  const [, list = '', index] = path.split('/');
  const what = list === 'dashboardWidgets' ? 'dashboard widget' : 'page';
  const which = index === undefined ? `Some ${what}s were` : `A ${what} was`;
  return `${which} left out: ${message}. ${hint}`;
}
