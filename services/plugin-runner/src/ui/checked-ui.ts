import type { ManifestIssue, Surface } from '@verifywise/contracts';
import { readUiExtensions } from '@verifywise/contracts';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';

type Offering = Pick<HostedPlugin, 'pluginId' | 'installation' | 'log'>;

/**
 * What a plugin shows on the pages of the platform: what its code offers and its manifest says, without what is not as it should be.
 * The plugin's log says what was left out, once.
 */
export function createCheckedUi(): (plugin: Offering, surface: Surface) => Surface {
  const told = new WeakMap<Offering, string>();
  return (plugin, surface) => {
    const { ui } = plugin.installation.manifest;
    const { widgets, pages, issues } = readUiExtensions(plugin.pluginId, {
      widgets: [...surface.widgets, ...listed(ui?.dashboardWidgets)],
      pages: [...surface.pages, ...listed(ui?.pages), ...listed(ui?.page)],
    });
    const said = issues.map(sentenceOf);
    // A plugin says what it offers again with every handler it adds.
    if (told.get(plugin) !== said.join('\n')) for (const sentence of said) plugin.log('warn', sentence);
    told.set(plugin, said.join('\n'));
    return { ...surface, widgets, pages };
  };
}

/** One thing in the place of a list counts as a list of it, and is then looked at like any other. */
function listed(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

function sentenceOf({ path, message, hint }: ManifestIssue): string {
  const [, list = '', index] = path.split('/');
  const what = list === 'dashboardWidgets' ? 'dashboard widget' : 'page';
  const which = index === undefined ? `Some ${what}s were` : `A ${what} was`;
  return `${which} left out: ${message}. ${hint}`;
}
