/** As many bytes as the bundle of a plugin of some substance has. */
const PLUGIN_BYTES = 50 * 1024;

export const PLUGIN_ID = 'bench';

/** What a handler of the plugin may emit to be heard outside. */
export const HEARD_EVENT = `plugin:${PLUGIN_ID}:heard`;

export interface Offered {
  /** A route `GET /ping`. */
  routes?: boolean;
  /** A webhook-free plugin needs no HTTP at all; this is its handler's code instead of nothing. */
  onRisk?: string;
  /** More of the plugin object. */
  more?: string;
}

/** A CommonJS plugin of 50 KB that hears `risk:created`. */
export function benchPlugin({ routes = false, onRisk = '', more = '' }: Offered = {}): string {
  const head = `'use strict';
const rules = [];
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) { ctx.on('risk:created', async (payload) => { ${onRisk} }); },
  ${routes ? `routes(router) { router.get('/ping', (req, res) => { res.json({ answer: 'pong' }); }); },` : ''}
  ${more}
};
`;
  const rules: string[] = [];
  let bytes = Buffer.byteLength(head);
  for (let number = 0; bytes < PLUGIN_BYTES; number += 1) {
    const code = rule(number);
    bytes += Buffer.byteLength(code);
    rules.push(code);
  }
  return head + rules.join('');
}

/** Code as plugins have it: small functions with names, strings and branches of their own. */
function rule(number: number): string {
  return `
rules.push(function checkRule${number}(risk) {
  const found = [];
  if (risk.likelihood * risk.impact > ${number}) found.push({ rule: 'rule-${number}', severity: 'high' });
  for (const [name, value] of Object.entries(risk.fields ?? {})) {
    if (typeof value === 'string' && value.length > ${100 + number}) found.push({ rule: 'rule-${number}', field: name, severity: 'low' });
  }
  return found.length > 0 ? { ...risk, found, checkedBy: 'checkRule${number}' } : risk;
});
`;
}
