import { walkDemo } from './demo-walk.ts';
import { Interrupted, interruption, orInterrupted, reportEnd } from './interruption.ts';
import { startPlatform, type Platform } from './platform.ts';
import { StartError } from './start-error.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thenStop } from './then-stop.ts';

/** `npm run demo`: the main job on a platform of its own, beside whatever else runs on this machine. */
async function demo(): Promise<void> {
  const { signal, wanted } = interruption();
  const log = (line: string): void => {
    if (!signal.aborted) console.log(line);
  };
  const folder = await temporaryFolder('demo');
  const platform = await orInterrupted(startPlatform({ folder, persistent: false, log, signal }), signal);
  const interrupted = wanted.then(() => Promise.reject(new Interrupted()));
  await thenStop(platform, () => Promise.race([walk(platform, log), interrupted]));
}

function walk(platform: Platform, log: (line: string) => void): Promise<void> {
  return walkDemo({
    log,
    platformUrl: platform.urls['demo-platform'],
    registryUrl: platform.urls['local-registry'],
    killRunner: async () => {
      platform.kill('plugin-runner', 'SIGKILL');
      await platform.ready('plugin-runner');
    },
  });
}

const [unknown] = process.argv.slice(2);
try {
  if (unknown === undefined) await demo();
} catch (error) {
  reportEnd(error, 'The demo failed: ');
}
if (unknown !== undefined) reportEnd(new StartError(`${unknown} is not known; npm run demo takes no arguments`));
process.exit();
