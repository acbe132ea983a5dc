import { DemoClient, type Answer } from '../../../infra/local/src/demo-client.ts';
import { demoToken } from '../../../infra/local/src/demo-token.ts';
import { startPlatform, type Platform } from '../../../infra/local/src/platform.ts';
import { temporaryFolder } from '../../../infra/local/src/temporary-folder.ts';
import type { PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';
import { backingServices } from '../../support/backing-services.ts';
import { createDatabase } from '../../support/database.ts';
import type { BenchPlace } from '../frame/bench.ts';
import { BenchRegistry } from './bench-registry.ts';

export interface PlatformUnderTest {
  platform: Platform;
  registry: BenchRegistry;
  admin: (tenant: string) => Promise<DemoClient>;
}

/** The whole platform with a registry that lists these packages, closed with the measurement. */
export async function platformWith(
  { closers }: BenchPlace,
  archives: readonly PluginArchive[],
): Promise<PlatformUnderTest> {
  const registry = closers.add(await BenchRegistry.start(archives));
  const database = await createDatabase();
  closers.addStep('database', () => database.drop());
  const platform = await startPlatform({
    folder: await temporaryFolder('platform'),
    persistent: false,
    backing: { ...backingServices(), databaseUrl: database.url },
    settings: { LOG_LEVEL: 'warn' },
    settingsOf: { 'registry-cache': { REGISTRIES: registry.setting } },
  });
  closers.addStep('platform', () => platform.stop());
  const host = platform.urls['demo-platform'];
  return {
    platform,
    registry,
    admin: async (tenant) => new DemoClient(host, tenant, await demoToken(host, tenant, 'Admin')),
  };
}

const LOOKED_EVERY_MS = 50;

/** Asks for an operation and resolves when it is done, with its id; throws with what it says when it fails. */
export async function operated(admin: DemoClient, path: string, body?: unknown): Promise<string> {
  let answer = await admin.post(path, body);
  const { operationId } = succeeded(answer);
  while (answer.status === 202 || answer.data.status === 'running' || answer.data.status === 'undoing') {
    await new Promise((later) => setTimeout(later, LOOKED_EVERY_MS));
    answer = await admin.get(`/api/plugins/operations/${String(operationId)}`);
    if (answer.data.status === 'failed') throw new Error(`${path} failed: ${JSON.stringify(answer.data)}`);
  }
  return String(operationId);
}

/** The answer, or an error with what it says. */
export function succeeded(answer: Answer): Answer['data'] {
  if (answer.status >= 200 && answer.status <= 202) return answer.data;
  throw new Error(`The platform answered ${answer.status}: ${JSON.stringify(answer)}`);
}
