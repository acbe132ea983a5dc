import { apply } from './intrinsics.ts';

export type Anything = (...args: never[]) => unknown;

/** Puts `make(original)` in the place of a function of a built-in module, with everything else as it was. */
export function replace(target: object, name: string, make: (original: Anything) => unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== 'function') return;
  Object.defineProperty(target, name, {
    value: dressedAs(original as Anything, make(original as Anything)),
    writable: true,
    configurable: true,
    enumerable: descriptor?.enumerable ?? false,
  });
}

/** Calls what was replaced, as it was called itself. */
export function passOn(original: Anything, self: unknown, args: readonly unknown[]): unknown {
  return apply(original, self, args as never[]) as unknown;
}

/** The names of the functions that an object has of its own, classes left out. */
export function functionsOf(target: object): string[] {
  return Object.getOwnPropertyNames(target).filter((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name);
    return typeof descriptor?.value === 'function' && name !== 'constructor' && !/^[A-Z]/.test(name);
  });
}

/** Name, length and what `util.promisify` looks for are the original's, so that nobody notices the difference. */
function dressedAs(original: Anything, replacement: unknown): unknown {
  if (typeof replacement !== 'function') return replacement;
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (key !== 'prototype' && descriptor)
      Object.defineProperty(replacement, key, { ...descriptor, configurable: true });
  }
  return replacement;
}
