import type { RunnerProcess } from './runner-process.ts';

/** What came of something a plugin tried. */
export interface Tried {
  answer?: unknown;
  name?: string;
  code?: string;
  message?: string;
}

/** A plugin that runs what it is sent, as if it stood in its own file; modules are also kept as its first lines got them. */
export const TRIER = `
const http = require('node:http');
const { connect } = require('net');
const fs = require('fs');
const { readFile, readFileSync } = require('node:fs');
const { exec } = require('child_process');
const dns = require('dns');
const early = { http, connect, fs, readFile, readFileSync, exec, lookup: dns.lookup, fetch, exit: process.exit, setTimeout };
const AsyncFunction = (async () => undefined).constructor;
/** Of an emitter: what it says first. */
const said = (emitter, ...good) => new Promise((resolve, reject) => {
  for (const event of good) emitter.once(event, (...args) => resolve(event));
  emitter.once('error', reject);
});
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.post('/try', async (req, res) => {
      try {
        const run = new AsyncFunction('require', 'early', 'said', 'context', '__dirname', req.body.code);
        res.json({ answer: (await run(require, early, said, context, __dirname)) ?? null });
      } catch (error) {
        res.json({ name: error?.name, code: error?.code, message: String(error?.message) });
      }
    });
    router.get('/alive', (req, res) => res.json({ pid: process.pid }));
  },
};`;

/** Lets the tenant's trier run a piece of code. */
export async function attempt(runner: RunnerProcess, tenant: string, code: string): Promise<Tried> {
  const answer = await runner.fetch(tenant, '/api/plugins/recorder/try', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  if (answer.status !== 200)
    throw new Error(`The trier of ${tenant} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Tried;
}
