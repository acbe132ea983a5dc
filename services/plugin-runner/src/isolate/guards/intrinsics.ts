import net from 'node:net';

/*
 * Plugin code shares its process with the guards and may replace whatever they look up when they are used: methods of strings and lists,
 * functions of Node's modules. What a decision needs is therefore taken here, before the plugin is loaded; the rest are operators and indexes.
 */

const { get } = Reflect;
const { defineProperty } = Object;
const bind = get(Function.prototype, 'bind') as (this: unknown, self: unknown) => unknown;

export const { apply } = Reflect;
export const { create, getOwnPropertyDescriptors } = Object;
export const { isArray } = Array;
export const { isIP } = net;
/** As they are written in code, each asks a value what it is exactly once. */
export const { String: textOf, Number: numberOf } = globalThis;

export const lowerCase = method('toLowerCase') as (text: string) => string;
export const slice = method('slice') as (text: string, from: number, to: number) => string;

/** Puts a value at the end of a list; assigning would ask the list's prototype first. */
export function append<Value>(list: Value[], value: Value): void {
  const own = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  defineProperty(list, list.length, own as PropertyDescriptor);
}

/** A method of texts as a function of the text. */
function method(name: keyof string) {
  return apply(bind, get(Function.prototype, 'call'), [get(String.prototype, name)]);
}
