import { demoToken } from './demo-token.ts';
import { reportEnd } from './interruption.ts';
import { portsFrom } from './ports.ts';
import { StartError } from './start-error.ts';

const ANSWERS_WITHIN_MS = 10_000;
const USAGE = 'Say of which plugin of which tenant: npm run why -- acme activity-feed';

/**
 * `npm run why -- <tenant> <plugin>`: which runner hosts it, in which state, what waits for it. Asks the runner of `npm start`, or the
 * one at PLUGIN_RUNNER_URL with the Operator's token in PLATFORM_TOKEN.
 */
async function why([tenant, plugin, ...rest]: string[]): Promise<void> {
  if (tenant === undefined || plugin === undefined || rest.length > 0) throw new StartError(USAGE);
  const { url, token } = await runnerToAsk(tenant);
  const asked = `${url}/internal/why?${new URLSearchParams({ tenant, plugin }).toString()}`;
  const response = await fetch(asked, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  }).catch((error: unknown) => {
    throw new StartError(`No runner answers at ${url}; start the platform with npm start, or give PLUGIN_RUNNER_URL`, {
      cause: error,
    });
  });
  const answer = (await response.json()) as { data?: { because: string[] }; error?: { message: string } };
  if (!answer.data) throw new StartError(`The runner answered ${response.status}: ${answer.error?.message ?? ''}`);
  for (const sentence of answer.data.because) console.log(sentence);
}

async function runnerToAsk(tenant: string): Promise<{ url: string; token: string }> {
  const ports = portsFrom(process.env);
  const url = process.env['PLUGIN_RUNNER_URL'] ?? `http://127.0.0.1:${ports['plugin-runner']}`;
  const token = process.env['PLATFORM_TOKEN'] ?? '';
  if (token !== '') return { url, token };
  const platform = `http://127.0.0.1:${ports['demo-platform']}`;
  const given = await demoToken(platform, tenant, 'Operator').catch((error: unknown) => {
    throw new StartError(
      'npm start does not run here; give PLUGIN_RUNNER_URL, and in PLATFORM_TOKEN the token of an Operator',
      { cause: error },
    );
  });
  return { url, token: given };
}

try {
  await why(process.argv.slice(2));
} catch (error) {
  reportEnd(error);
}
