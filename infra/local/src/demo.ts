import { walkDemo } from './demo-walk.ts';
import { interruption } from './interruption.ts';
import { startPlatform } from './platform.ts';
import { reasonOf } from './start-error.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `npm run demo`: the main job on a platform of its own, beside whatever else runs on this machine. */
async function demo(): Promise<void> {
  const { signal } = interruption();
  const platform = await startPlatform({
    folder: await temporaryFolder('demo'),
    persistent: false,
    log: (line) => console.log(line),
    signal,
  });
  try {
    await walkDemo({
      platformUrl: platform.urls['demo-platform'],
      registryUrl: platform.urls['local-registry'],
      killRunner: async () => {
        platform.kill('plugin-runner', 'SIGKILL');
        await platform.ready('plugin-runner');
      },
    });
  } finally {
    await platform.stop();
  }
}

try {
  await demo();
} catch (error) {
  console.error(`The demo failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}
process.exit();
