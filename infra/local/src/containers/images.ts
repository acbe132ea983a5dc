import { imageOf } from '../backing/images.ts';
import { ensureProgram } from './engine.ts';
import type { Commands } from './commands.ts';

const INSPECTED_WITHIN_MS = 30_000;
const PULLED_WITHIN_MS = 600_000;
/** debootstrap, the packages of Debian and those of npm. */
const MADE_WITHIN_MS = 1_200_000;
const BUILT_WITHIN_MS = 600_000;
const DEFAULT_NODE_IMAGE = 'node:24-slim';

/** The variables of docker-compose.yml that name images. */
export type Images = Record<'NODE_IMAGE' | 'RABBITMQ_IMAGE' | 'POSTGRES_IMAGE' | 'REDIS_IMAGE', string> & {
  NPM_IMAGE?: string;
};

export interface BaseImages {
  readonly images: Images;
  readonly arePublic: boolean;
}

/** The images that the environment names, or the public ones, or, where no image registry can be reached, our own. */
export async function findBaseImages(root: string, commands: Commands): Promise<BaseImages> {
  const { env } = commands;
  const wanted: Images = {
    NODE_IMAGE: env['NODE_IMAGE'] ?? DEFAULT_NODE_IMAGE,
    RABBITMQ_IMAGE: imageOf('rabbitmq', env),
    POSTGRES_IMAGE: imageOf('postgres', env),
    REDIS_IMAGE: imageOf('redis', env),
    ...(env['NPM_IMAGE'] === undefined ? {} : { NPM_IMAGE: env['NPM_IMAGE'] }),
  };
  const missing = await missingAfterPull(Object.values(wanted), commands);
  if (missing === undefined) return { images: wanted, arePublic: true };
  await ensureProgram('debootstrap', ['debootstrap'], commands);
  const made = await commands.run('bash', ['infra/docker/local-images.sh'], { within: MADE_WITHIN_MS, cwd: root });
  const lines = made.split('\n').filter((line) => /^[A-Z]+_IMAGE=/.test(line));
  const ours = Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));
  return { images: { ...wanted, ...ours }, arePublic: false };
}

/** Builds the one image of all services and returns its name. */
export async function buildPlatformImage(images: Images, root: string, commands: Commands): Promise<string> {
  const name = 'verifywise-plugin-platform:test';
  const args = Object.entries(images).flatMap(([variable, image]) =>
    variable === 'NODE_IMAGE' || variable === 'NPM_IMAGE' ? ['--build-arg', `${variable}=${image}`] : [],
  );
  const file = 'infra/docker/service.Dockerfile';
  await commands.run('docker', ['build', '--file', file, '--tag', name, ...args, '.'], {
    within: BUILT_WITHIN_MS,
    cwd: root,
  });
  return name;
}

/** The first image that is neither there nor to be pulled. */
async function missingAfterPull(names: string[], commands: Commands): Promise<string | undefined> {
  for (const name of names) {
    if (await commands.succeeds('docker', ['image', 'inspect', name], { within: INSPECTED_WITHIN_MS })) continue;
    if (!(await commands.succeeds('docker', ['pull', '--quiet', name], { within: PULLED_WITHIN_MS }))) return name;
  }
  return undefined;
}
