import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf } from './local-addresses.ts';
import { keepKeys } from './platform-keys.ts';
import { ROOT } from './platform-processes.ts';

/** Of `npm start`. */
const FOLDER = join(ROOT, '.local');
/** Every service that keeps sealed secrets. The runner last: it takes its copies from the installer. */
const services = ['installer', 'registry-cache', 'plugin-runner'];

/**
 * `npm run rotate-secrets`: seals with the first key of PLUGIN_SECRETS_KEY what is sealed with another, beside a running platform:
 * that of DATABASE_URL, or of `npm start`. `-- --check` only counts. Nothing is changed anywhere while a key is missing.
 */
async function rotate(args: string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--check');
  if (unknown !== undefined) {
    console.error(`${unknown} is not known; npm run rotate-secrets -- --check only counts`);
    return 1;
  }
  const given = process.env['DATABASE_URL'] ?? '';
  const databaseUrl = given === '' ? addressesOf(FOLDER)?.databaseUrl : given;
  if (databaseUrl === undefined) {
    console.error(
      'npm start does not run here; start it, or give the address of the services’ database: DATABASE_URL=postgres://… npm run rotate-secrets',
    );
    return 1;
  }
  const env = { ...process.env, ...localKey(), DATABASE_URL: databaseUrl };
  const checks = await Promise.all(services.map((service) => run(service, ['--check'], env)));
  if (checks.some((code) => code > 0)) return 1;
  if (args.includes('--check')) return 0;
  let worst = 0;
  // Also after one of them has failed: each has secrets of its own.
  for (const service of services) worst = Math.max(worst, await run(service, [], env));
  return worst;
}

/** The keys of `npm start` lie in its folder; everybody else gives them. */
function localKey(): NodeJS.ProcessEnv {
  const file = join(FOLDER, 'keys.json');
  if ((process.env['PLUGIN_SECRETS_KEY'] ?? '') !== '' || !existsSync(file)) return {};
  return { PLUGIN_SECRETS_KEY: keepKeys(file).pluginSecretsKey };
}

function run(service: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const script = join(ROOT, 'services', service, 'src', 'rotate-secrets.ts');
  const node = ['--disable-warning=ExperimentalWarning', script, ...args];
  const child = spawn(process.execPath, node, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

process.exitCode = await rotate(process.argv.slice(2));
