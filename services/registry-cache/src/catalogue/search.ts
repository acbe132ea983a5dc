import { kept } from '../kept.ts';
import { distanceToBeginning, editDistance } from './edit-distance.ts';
import type { ListedPlugin } from './registry.ts';

/** What a word of the search is worth where it was found. */
const WORTH = {
  whole: 100,
  name: 40,
  nameBegins: 30,
  tag: 25,
  inName: 20,
  tagBegins: 18,
  slipped: 14,
  slippedBegins: 9,
  slip: 2,
} as const;
const WORTH_IN_DESCRIPTION = { begins: 8, within: 5 } as const;
/** Nobody types more words than these; what follows is not looked at. */
const MOST_TERMS = 10;
/** Searches and their words repeat while somebody types and between tenants. */
const KEPT_TERMS = 500;
const KEPT_SEARCHES = 1_000;

/** A word, and in which plugins it stands. */
interface Word {
  text: string;
  letters: number;
  positions: number[];
}

/** Finds plugins by their words, best first. Made once for a catalogue: every word is looked at once, however many plugins have it. */
export class SearchIndex {
  readonly #size: number;
  readonly #wholes: ReadonlyMap<string, Word>;
  readonly #name: readonly Word[];
  readonly #tags: readonly Word[];
  readonly #description: readonly Word[];
  readonly #terms = new Map<string, Uint8Array>();
  readonly #searches = new Map<string, readonly number[]>();

  /** The order of the plugins is the one in which those come that fit equally well. */
  constructor(plugins: readonly ListedPlugin[]) {
    this.#size = plugins.length;
    this.#wholes = vocabulary(plugins, ({ id, name }) => [id, plain(name)]);
    this.#name = [...vocabulary(plugins, ({ id, name }) => [...wordsOf(id), ...wordsOf(name)]).values()];
    this.#tags = [...vocabulary(plugins, ({ tags }) => [...tags.map(plain), ...tags.flatMap(wordsOf)]).values()];
    const described = vocabulary(plugins, ({ description, author }) => [
      ...wordsOf(description),
      ...wordsOf(author.name),
    ]);
    this.#description = [...described.values()];
  }

  /** Places of the plugins in which every word of the text fits somewhere. */
  search(text: string): readonly number[] {
    const wanted = plain(text.trim());
    return kept(this.#searches, wanted, KEPT_SEARCHES, () => this.#rank(wanted));
  }

  #rank(text: string): number[] {
    const wholes = this.#wholes.get(text)?.positions ?? [];
    const terms = [...new Set(wordsOf(text))].slice(0, MOST_TERMS);
    if (terms.length === 0) return [...wholes];
    const fits = new Uint16Array(this.#size).fill(1);
    for (const term of terms) {
      const worth = kept(this.#terms, term, KEPT_TERMS, () => this.#worthOf(term));
      for (let at = 0; at < fits.length; at += 1) {
        const own = worth[at] ?? 0;
        fits[at] = own === 0 || fits[at] === 0 ? 0 : (fits[at] ?? 0) + own;
      }
    }
    for (const position of wholes) if (fits[position] !== 0) fits[position] = (fits[position] ?? 0) + WORTH.whole;
    return bestFirst(fits);
  }

  /** What the term is worth in each plugin: the best place it is found at, 0 where it is in none. */
  #worthOf(term: string): Uint8Array {
    const worth = new Uint8Array(this.#size);
    const slips = allowedSlips(term);
    const letters = lettersOf(term);
    // By their letters most words are told apart without being compared: what is in a word has no letter that is not in it…
    const placeIn = (word: Word): number => ((letters & ~word.letters) === 0 ? word.text.indexOf(term) : -1);
    const slipped = (word: Word): number => {
      // …and one slip changes two letters at most.
      if (slips === 0 || bits(letters ^ word.letters) > 2 * slips) return 0;
      const distance = editDistance(term, word.text, slips);
      return distance > slips ? 0 : WORTH.slipped - WORTH.slip * distance;
    };
    const slippedBegins = (word: Word): number => {
      if (bits(letters & ~word.letters) > slips) return 0;
      const distance = distanceToBeginning(term, word.text, slips);
      return distance > slips ? 0 : WORTH.slippedBegins - WORTH.slip * distance;
    };
    const note = (words: readonly Word[], worthOf: (word: Word) => number): void => {
      for (const word of words) {
        const found = worthOf(word);
        if (found === 0) continue;
        for (const position of word.positions) if ((worth[position] ?? 0) < found) worth[position] = found;
      }
    };
    note(this.#name, (word) => {
      const at = placeIn(word);
      if (at === 0) return word.text.length === term.length ? WORTH.name : WORTH.nameBegins;
      return at > 0 ? WORTH.inName : slipped(word);
    });
    note(this.#tags, (word) => {
      if (placeIn(word) === 0) return word.text.length === term.length ? WORTH.tag : WORTH.tagBegins;
      return slipped(word);
    });
    note(this.#description, (word) => {
      const at = placeIn(word);
      if (at === 0) return WORTH_IN_DESCRIPTION.begins;
      return at > 0 ? WORTH_IN_DESCRIPTION.within : 0;
    });
    // Nobody who finds something waits for this: a word that is still being typed, with a slip in it already.
    if (slips > 0 && worth.every((own) => own === 0)) {
      note(this.#name, slippedBegins);
      note(this.#tags, slippedBegins);
    }
    return worth;
  }
}

/** The places that fit at all; those that fit equally well stay in their order. Hundreds may fit, but in few degrees. */
function bestFirst(fits: Uint16Array): number[] {
  const degrees = new Map<number, number[]>();
  for (let at = 0; at < fits.length; at += 1) {
    const fit = fits[at] ?? 0;
    if (fit === 0) continue;
    const places = degrees.get(fit);
    if (places === undefined) degrees.set(fit, [at]);
    else places.push(at);
  }
  return [...degrees].sort(([one], [other]) => other - one).flatMap(([, places]) => places);
}

/** Short words mean something else with one letter changed. */
function allowedSlips({ length }: string): number {
  if (length < 4) return 0;
  return length < 8 ? 1 : 2;
}

/** Every word that `wordsIn` finds in a plugin, once. */
function vocabulary(
  plugins: readonly ListedPlugin[],
  wordsIn: (plugin: ListedPlugin) => readonly string[],
): Map<string, Word> {
  const words = new Map<string, Word>();
  for (const [position, plugin] of plugins.entries()) {
    for (const text of new Set(wordsIn(plugin))) {
      const known = words.get(text);
      if (known === undefined) words.set(text, { text, letters: lettersOf(text), positions: [position] });
      else known.positions.push(position);
    }
  }
  return words;
}

function wordsOf(text: string): string[] {
  const readable = plain(text);
  return readable.match(ASCII.test(readable) ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? [];
}

// eslint-disable-next-line no-control-regex -- ASCII begins with the control characters
const ASCII = /^[\u0000-\u007f]*$/;

/** Without capitals and accents: who searches for "cafe" means "Café". */
function plain(text: string): string {
  const small = text.toLowerCase();
  return ASCII.test(small) ? small : small.normalize('NFKD').replaceAll(/\p{M}/gu, '');
}

/** Which letters a word has, as bits; letters that share a bit only cost a comparison. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let at = 0; at < word.length; at += 1) letters |= 1 << (word.charCodeAt(at) & 31);
  return letters;
}

function bits(of: number): number {
  let left = of - ((of >>> 1) & 0x5555_5555);
  left = (left & 0x3333_3333) + ((left >>> 2) & 0x3333_3333);
  return (((left + (left >>> 4)) & 0x0f0f_0f0f) * 0x0101_0101) >>> 24;
}
