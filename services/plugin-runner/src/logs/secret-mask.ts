import type { Mask } from './loggable.ts';

/** A shorter value would be found in words that have nothing to do with it. */
const SHORTEST_SECRET = 6;
const MASK = '••••••••';

/** A mask for these secret values, also where they are written as JSON, in a URL, or line by line. */
export function secretMask(secrets: Iterable<string>): Mask {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const lines = secret.includes('\n') ? secret.split('\n').map((line) => line.trim()) : [];
    for (const text of [secret, secret.trim(), ...lines]) {
      for (const form of [text, JSON.stringify(text).slice(1, -1), inUrl(text)]) {
        if (form.length >= SHORTEST_SECRET) forms.add(form);
      }
    }
  }
  // The longest first, so that nothing of it is left where a shorter one is part of it.
  const longestFirst = [...forms].toSorted((one, other) => other.length - one.length);
  return (text) => longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function inUrl(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
