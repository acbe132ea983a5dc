import { join, relative } from 'node:path';
import { demoToken } from './demo-token.ts';
import { interruption, orInterrupted, reportEnd } from './interruption.ts';
import { ROOT } from './platform-processes.ts';
import { startPlatform, type Platform } from './platform.ts';
import { portsFrom } from './ports.ts';
import { StartError } from './start-error.ts';
import { startTable, withoutPassword, type Row } from './start-table.ts';

const TENANTS = ['acme', 'globex'];

const ways = {
  environment: 'given by the environment',
  docker: 'in Docker',
  programs: 'a program of this machine',
};

const say = (line: string): void => console.log(line);

/** `npm start`: the platform in the foreground until somebody stops it. */
async function start(args: string[]): Promise<void> {
  const startedAt = Date.now();
  const { signal, wanted } = interruption();
  const givenUp = Promise.withResolvers<never>();
  // It may come while others still start; then it is read later.
  givenUp.promise.catch(() => undefined);
  const starting = startPlatform({
    folder: join(ROOT, '.local'),
    persistent: true,
    fresh: isFresh(args),
    ports: portsFrom(process.env),
    log: say,
    onGivenUp: givenUp.reject,
    signal,
  });
  const platform = await orInterrupted(starting, signal);
  try {
    say(`\nThe VerifyWise plugin platform is ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)\n`);
    say(await describe(platform));
    await Promise.race([wanted, givenUp.promise]);
    say('\nStopping');
  } finally {
    await platform.stop();
  }
  say('Stopped');
}

function isFresh(args: string[]): boolean {
  const unknown = args.find((arg) => arg !== '--fresh');
  if (unknown !== undefined) throw new StartError(`${unknown} is not known; npm start -- --fresh begins without data`);
  return args.length > 0;
}

async function describe(platform: Platform): Promise<string> {
  const { urls, backing, folder } = platform;
  const rows: Row[] = [
    { name: 'demo-platform', where: urls['demo-platform'], what: 'the host application: open this page' },
    { name: 'registry-cache', where: urls['registry-cache'], what: 'browse and search plugins' },
    { name: 'installer', where: urls.installer, what: 'install, enable, configure' },
    { name: 'plugin-runner', where: urls['plugin-runner'], what: 'runs the plugins' },
    { name: 'scheduler', where: urls.scheduler, what: 'wakes jobs' },
    { name: 'webhook-gateway', where: urls['webhook-gateway'], what: 'takes webhooks in' },
    { name: 'local registry', where: `${urls['local-registry']}/registry.json`, what: 'the sample plugins' },
    { name: 'RabbitMQ', where: withoutPassword(backing.brokerUrl), what: wayOf(platform, 'rabbitmq') },
    { name: 'PostgreSQL', where: withoutPassword(backing.databaseUrl), what: wayOf(platform, 'postgres') },
    { name: 'Redis', where: withoutPassword(backing.redisUrl), what: wayOf(platform, 'redis') },
    { name: 'logs', where: relative(process.cwd(), join(folder, 'logs')) },
  ];
  const tokens = await Promise.all(
    TENANTS.map(async (tenant) => ({ tenant, token: await demoToken(urls['demo-platform'], tenant, 'Admin') })),
  );
  return startTable(rows, tokens, urls['demo-platform']);
}

function wayOf({ backing }: Platform, name: 'rabbitmq' | 'postgres' | 'redis'): string {
  return ways[backing.how?.[name] ?? 'environment'];
}

try {
  await start(process.argv.slice(2));
} catch (error) {
  reportEnd(error);
}
// Open handles of something that did not end must not keep a stopped platform in the foreground.
process.exit();
