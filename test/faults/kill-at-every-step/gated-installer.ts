import { runService } from '@verifywise/service-kit';
import { readConfig } from '../../../services/installer/src/config.ts';
import type { Lease, OperationStore } from '../../../services/installer/src/operations/operation-store.ts';
import type { Operation } from '../../../services/installer/src/operations/operation.ts';
import { startInstaller } from '../../../services/installer/src/service.ts';

/** A program: the installer as it is, but every write of its operations comes by the gate before and after. */
const gateUrl = process.env['GATE_URL'];
if (gateUrl === undefined) throw new Error('GATE_URL is missing');

runService('installer', async (closers, log) => {
  await startInstaller(readConfig(process.env), closers, log, { operationStore: gated });
});

function gated(store: OperationStore): OperationStore {
  const known = new Map<string, Operation>();
  const learn = <Found extends { operation: Operation }>(found: Found): Found => {
    known.set(found.operation.id, found.operation);
    return found;
  };
  const passes = async ({ operationId }: Lease, what: string): Promise<void> => {
    const operation = known.get(operationId);
    if (operation === undefined) throw new Error(`Nothing is known of operation ${operationId}`);
    const { tenant, kind, pluginId } = operation;
    await pass(tenant, `${kind} ${pluginId} ${what}`);
  };
  return {
    find: (...given) => store.find(...given),
    findChild: (...given) => store.findChild(...given),
    findByRequest: (...given) => store.findByRequest(...given),
    forgetFinished: (...given) => store.forgetFinished(...given),
    findActive: (...given) => store.findActive(...given),
    renew: (...given) => store.renew(...given),
    release: (...given) => store.release(...given),
    async create(...given) {
      return learn(await store.create(...given));
    },
    async claimAbandoned(...given) {
      return (await store.claimAbandoned(...given)).map(learn);
    },
    async beginStep(lease, name) {
      if (known.get(lease.operationId)?.steps.length === 0) await passes(lease, 'created');
      await store.beginStep(lease, name);
      await passes(lease, `${name} begun`);
    },
    async completeStep(lease, name, done, as) {
      await passes(lease, `${name} ${as === 'done' ? 'ran' : 'undid'}`);
      const operation = await store.completeStep(lease, name, done, as);
      await passes(lease, `${name} ${as}`);
      return operation;
    },
    async failStep(lease, name, error) {
      await passes(lease, `${name} threw`);
      const operation = await store.failStep(lease, name, error);
      await passes(lease, `${name} failed`);
      return operation;
    },
    async failUndo(lease, name, error) {
      await passes(lease, `${name} undo threw`);
      await store.failUndo(lease, name, error);
      await passes(lease, `${name} undo failed`);
    },
    async finish(lease, status) {
      const operation = await store.finish(lease, status);
      await passes(lease, 'finished');
      return operation;
    },
  };
}

async function pass(tenant: string, point: string): Promise<void> {
  const query = new URLSearchParams({ tenant, point });
  await (await fetch(`${gateUrl}/pass?${query.toString()}`)).text();
}
