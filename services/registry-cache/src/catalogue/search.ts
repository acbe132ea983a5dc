import { editDistance } from './edit-distance.ts';
import type { ListedPlugin } from './registry.ts';

/** The words of a plugin that a search looks at, made once per listing. */
export interface SearchWords {
  whole: string[];
  name: string[];
  tags: string[];
  description: string[];
}

export function searchWordsOf({ id, name, tags, description, author }: ListedPlugin): SearchWords {
  return {
    whole: [id, name.toLowerCase()],
    name: [...new Set([...wordsOf(id), ...wordsOf(name)])],
    tags: [...new Set([...tags.map((tag) => tag.toLowerCase()), ...tags.flatMap(wordsOf)])],
    description: [...new Set([...wordsOf(description), ...wordsOf(author.name)])],
  };
}

/** How well the search fits, higher is better; 0 when one of its words fits nowhere. */
export function relevance(words: SearchWords, search: string): number {
  const text = search.trim().toLowerCase();
  const terms = wordsOf(text);
  if (terms.length === 0) return words.whole.includes(text) ? 1 : 0;
  let sum = words.whole.includes(text) ? 100 : 0;
  for (const term of terms) {
    const fits = termRelevance(words, term);
    if (fits === 0) return 0;
    sum += fits;
  }
  return sum;
}

function termRelevance({ name, tags, description }: SearchWords, term: string): number {
  if (name.includes(term)) return 40;
  if (name.some((word) => word.startsWith(term))) return 30;
  if (tags.includes(term)) return 25;
  if (name.some((word) => word.includes(term))) return 20;
  if (tags.some((tag) => tag.startsWith(term))) return 18;
  const slips = fewestSlips([...name, ...tags], term);
  if (slips !== undefined) return 14 - 2 * slips;
  if (description.some((word) => word.startsWith(term))) return 8;
  return description.some((word) => word.includes(term)) ? 5 : 0;
}

/** How many slips the nearest word is away, when it is near enough: short words mean something else with one letter changed. */
function fewestSlips(words: readonly string[], term: string): number | undefined {
  const allowed = term.length < 4 ? 0 : term.length < 8 ? 1 : 2;
  if (allowed === 0) return undefined;
  const fewest = Math.min(...words.map((word) => editDistance(term, word, allowed)));
  return fewest <= allowed ? fewest : undefined;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
