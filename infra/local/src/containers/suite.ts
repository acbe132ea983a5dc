import { join } from 'node:path';
import { StartError } from '../start-error.ts';
import type { Commands } from './commands.ts';
import type { Engine } from './engine.ts';
import type { BaseImages } from './images.ts';

const PASSED_WITHIN_MS = 1_800_000;
const ANSWERS_WITHIN_MS = 60_000;
/** Addresses would win over containers. */
const ADDRESSES = ['BROKER_URL', 'DATABASE_URL', 'REDIS_URL'].flatMap((name) => [name, `TEST_${name}`]);

/** Runs the journeys once with their backing services in containers by Testcontainers; resolves with Jest's count of tests. */
export async function runJourneys(
  engine: Engine,
  { images, arePublic }: BaseImages,
  patterns: string[],
  root: string,
): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...engine.commands.env, ...images, BACKING_SERVICES: 'docker' };
  for (const name of ADDRESSES) env[name] = undefined;
  // The image that removes forgotten containers comes from a registry; without one we remove them ourselves.
  if (!arePublic) env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  // What a failed test left open must not keep the run from its end.
  const options = ['--selectProjects', 'journeys', '--runInBand', '--forceExit'];
  const jest = [join(root, 'node_modules/jest/bin/jest.js'), ...options, ...patterns];
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const before = await testContainers(engine.commands);
  let said = '';
  const count = (): string => /^Tests:\s+(.*)$/m.exec(said)?.[1] ?? 'no tests were run';
  try {
    await engine.commands.run(process.execPath, [...flags, ...jest], {
      within: PASSED_WITHIN_MS,
      cwd: root,
      env,
      onOutput: (text) => (said += text),
    });
    return count();
  } catch (error) {
    const failed = [...said.matchAll(/^FAIL \w+ (\S+)/gm)].map(([, file]) => file);
    if (failed.length === 0) throw error;
    throw new StartError(`${count()}: ${failed.join(', ')} (${engine.commands.logFile})`);
  } finally {
    if (!arePublic) await removeForgotten(before, engine.commands.uninterrupted());
  }
}

async function testContainers(commands: Commands): Promise<string[]> {
  const args = ['ps', '--all', '--quiet', '--no-trunc', '--filter', 'label=org.testcontainers=true'];
  return (await commands.run('docker', args, { within: ANSWERS_WITHIN_MS })).split('\n').filter(Boolean);
}

async function removeForgotten(known: string[], commands: Commands): Promise<void> {
  const forgotten = (await testContainers(commands)).filter((id) => !known.includes(id));
  if (forgotten.length === 0) return;
  await commands.run('docker', ['rm', '--force', '--volumes', ...forgotten], { within: ANSWERS_WITHIN_MS });
}
