import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import type { Installation, PluginFailure } from '@verifywise/contracts';
import { PluginFailed } from '@verifywise/contracts';
import { secretBox } from '@verifywise/service-kit';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import type { TestPlugin } from '../testing/runner-room.ts';
import { RunnerRoom } from '../testing/runner-room.ts';

/** A hook that hangs at a start is given up after half a minute; nobody else waits for that. */
const LONG_BEFORE_A_HOOK_IS_GIVEN_UP = { within: 20_000 };
/** A runner that takes its partitions only after its first question asks again ten seconds later. */
const UNTIL_THE_INSTALLER_IS_ASKED = { within: 30_000 };
const NEVER = 'new Promise(() => undefined)';

describe('a start', () => {
  let room: RunnerRoom;
  const failures: (PluginFailure & { tenant: string | null })[] = [];
  // One for each: what hangs in one test would still be hosted in the next.
  beforeEach(async () => {
    failures.length = 0;
    room = await RunnerRoom.open();
    await room.broker.subscribe('installer', [
      hearing(PluginFailed, (failure, { tenant }) => {
        failures.push({ ...failure, tenant });
        return Promise.resolve();
      }),
    ]);
  });
  afterEach(() => room.close());

  /** As the installer knows it when it was enabled on a runner that is gone. */
  async function enabledBefore(plugin: TestPlugin, change: Partial<Installation> = {}): Promise<Installation> {
    const installed = await room.install(plugin);
    const enabled: Installation = { ...installed, state: 'enabled', desired: 'enabled', ...change };
    room.truth.set(`${enabled.tenant}/${enabled.pluginId}`, enabled);
    return enabled;
  }

  test('that hangs keeps nobody else from starting', async () => {
    const hangs = {
      onEnable: `module.exports = { onEnable: () => ${NEVER} };`,
      onLoad: `module.exports = { onLoad: () => ${NEVER} };`,
      'the top of a module': `export default {}; await ${NEVER};`,
    };
    for (const [number, code] of [...Object.values(hangs), ...Object.values(hangs)].entries()) {
      await enabledBefore({
        tenant: `hangs-${number}`,
        code: code.startsWith('export') ? { 'index.mjs': code } : code,
      });
    }
    await enabledBefore({ tenant: 'neighbour', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    const runner = await room.startRunner();
    await eventually(
      async () => expect((await runner.get('neighbour', '/api/plugins/recorder/seen')).status).toBe(200),
      LONG_BEFORE_A_HOOK_IS_GIVEN_UP,
    );
  });

  test('follows those of the plugins that are needed, and of a circle all start', async () => {
    const tenant = 'ordered';
    const says = (what: string, onEnable = '') =>
      `module.exports = {
        onLoad(ctx) { ctx.logger.info('${what} is loaded'); },
        async onEnable(ctx) { ${onEnable} ctx.logger.info('${what} is enabled'); },
      };`;
    const plugin = (id: string, code: string, needs: string[] = []) => {
      const dependencies = Object.fromEntries(needs.map((need) => [need, '*']));
      return enabledBefore({ tenant, id, code, manifest: { dependencies } });
    };
    // By name it would be the last.
    await plugin('z-base', says('z-base', 'await new Promise((resolve) => setTimeout(resolve, 500));'));
    await plugin('middle', says('middle'), ['z-base']);
    await plugin('a-top', says('a-top'), ['middle', 'not-there']);
    await plugin('left', says('left'), ['right']);
    await plugin('right', says('right'), ['left']);
    const said = async () => {
      const sql = `SELECT message FROM plugin_runner.plugin_logs WHERE tenant = 'ordered' ORDER BY id`;
      return (await room.rows<{ message: string }>(sql)).map(({ message }) => message);
    };
    const line = ['z-base', 'middle', 'a-top'].flatMap((id) => [`${id} is loaded`, `${id} is enabled`]);
    // The first runner hears of them from the installer, the second finds what the first has noted.
    for (const times of [1, 2]) {
      const runner = await room.startRunner();
      await eventually(async () => expect(await said()).toHaveLength(10 * times), UNTIL_THE_INSTALLER_IS_ASKED);
      const started = (await said()).slice(10 * (times - 1));
      expect(started.filter((message) => !/^(left|right) /.test(message))).toEqual(line);
      await runner.stop('SIGTERM');
    }
    expect(failures).toEqual([]);
  });

  test('whose secrets this runner cannot open blames the platform, and disables nobody', async () => {
    const place = { tenant: 'sealed', pluginId: 'recorder', field: 'token' };
    const other = secretBox([{ kid: 'of-another-runner', key: Buffer.alloc(32, 9) }]);
    await enabledBefore({
      tenant: 'sealed',
      code: recorder(),
      granted: ['config:read'],
      manifest: { config: { token: { type: 'string', secret: true } } },
      config: { values: {}, secrets: { token: other.seal('hush', place) } },
    });
    await enabledBefore({ tenant: 'open', code: recorder() });
    const runner = await room.startRunner();
    const told = async () =>
      (
        await room.rows<{ message: string }>(
          `SELECT message FROM plugin_runner.plugin_logs WHERE tenant = 'sealed' AND message LIKE 'The platform could not start%'`,
        )
      ).length;
    await eventually(async () => expect(await told()).toBe(1));
    await eventually(async () =>
      expect((await runner.get('open', '/api/plugins/recorder/seen')).body).toMatchObject({ tenant: 'open' }),
    );
    expect(failures).toEqual([]);
  });

  test('whose files are lost is told to the installer, once', async () => {
    const nowhere = { digest: `sha256:${'0'.repeat(64)}`, size: 1 };
    const { generation } = await enabledBefore({ tenant: 'lost', code: recorder() }, { package: nowhere });
    await room.startRunner();
    await eventually(() => expect(failures).toHaveLength(1));
    expect(failures).toMatchObject([
      { tenant: 'lost', generation, reason: 'load', message: expect.stringContaining('install it again') },
    ]);
  });
});
