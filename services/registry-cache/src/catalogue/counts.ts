import type { PluginType } from '@verifywise/plugin-types';
import type { Catalogue } from './catalogue.ts';

const labels: Record<PluginType, string> = {
  integration: 'Integration',
  feature: 'Feature',
  framework: 'Framework',
  reporting: 'Reporting',
};

/** The types that are there, most plugins first (S:18.2). */
export function categories({ plugins }: Catalogue): { type: PluginType; count: number; label: string }[] {
  const counted = count(plugins.map(({ plugin }) => plugin.type));
  return counted.map(([type, found]) => ({ type, count: found, label: labels[type] }));
}

/** Every tag with its number of plugins, most used first. */
export function tags({ plugins }: Catalogue): { tag: string; count: number }[] {
  return count(plugins.flatMap(({ plugin }) => [...new Set(plugin.tags)])).map(([tag, found]) => ({
    tag,
    count: found,
  }));
}

function count<Word extends string>(words: readonly Word[]): [Word, number][] {
  const counts = new Map<Word, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a, many], [b, more]) => more - many || a.localeCompare(b, 'en'));
}
