import type { Identity } from '@verifywise/contracts';
import type { OperationInput } from '../installation/progress.ts';
import type { UploadPlugin } from '../installation/upload-plugin.ts';
import type { OperationKind } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import { pluginIn, type Api } from './api.ts';
import { actorOf, type AnswerOperation } from './operation-answer.ts';
import { assertPluginId, assertVersion } from './names.ts';
import {
  emptyBody,
  enableBody,
  installBody,
  installFromUrlBody,
  uninstallBody,
  updateBody,
  uploadBody,
} from './request-schemas.ts';
import { readUpload, type ReceiveUpload } from './upload.ts';

interface Needs {
  operations: Operations;
  answer: AnswerOperation;
  uploadPlugin: UploadPlugin;
  receiveUpload: ReceiveUpload;
  uploadLimitBytes: number;
}

const laterAnswer = { 202: 'Begun; ask for it at Location' };

/** Install, update, roll back, enable, disable, uninstall: each an operation. */
export function addLifecycleRoutes(api: Api, needs: Needs): void {
  const { operations, answer, uploadPlugin, receiveUpload, uploadLimitBytes } = needs;
  const start = (who: Identity, pluginId: string, kind: OperationKind, input: OperationInput) =>
    operations.start({ tenant: who.tenant, pluginId, kind, input, actor: actorOf(who) });

  for (const [path, body, summary] of [
    ['install', installBody, 'Installs a plugin by its id'],
    ['install-from-url', installFromUrlBody, 'Installs a plugin with the values of its registry entry'],
  ] as const) {
    api.add(
      {
        method: 'post',
        path: `/api/plugins/${path}`,
        summary,
        role: 'Admin',
        body,
        answers: { 201: 'Installed, not enabled', ...laterAnswer },
      },
      async (req, res, who) => {
        const { id, ...input } = req.body as OperationInput & { id: string };
        assertPluginId(id);
        assertVersion(input.version);
        await answer(req, res, await start(who, id, 'install', knownInput(input)), { created: true });
      },
    );
  }

  api.add(
    {
      method: 'post',
      path: '/api/plugins/upload',
      summary: 'Installs, or updates, a plugin from an uploaded zip',
      role: 'Admin',
      body: uploadBody,
      bodyType: 'multipart/form-data',
      answers: { 201: 'Installed, not enabled', ...laterAnswer },
    },
    async (req, res, who) => {
      const operation = await receiveUpload(async (into) =>
        uploadPlugin(who.tenant, await readUpload(req, uploadLimitBytes, into), actorOf(who)),
      );
      await answer(req, res, operation, { created: true });
    },
  );

  for (const [kind, body, summary] of [
    ['enable', enableBody, 'Enables an installed plugin, or installs and enables one that ships with the platform'],
    ['disable', emptyBody, 'Disables an enabled plugin'],
    ['update', updateBody, 'Updates a plugin, to the newest version unless one is named'],
    ['rollback', emptyBody, 'Swaps the installed version with the one before it; a second rollback swaps back'],
    ['uninstall', uninstallBody, 'Uninstalls a plugin; its data stays unless deleteData is set'],
  ] as const) {
    api.add(
      {
        method: 'post',
        path: `/api/plugins/:id/${kind}`,
        summary,
        role: 'Admin',
        body,
        answers: { 200: 'Done; the plugin as it is now', ...laterAnswer },
      },
      async (req, res, who) => {
        const input = req.body as OperationInput;
        assertVersion(input.version);
        await answer(req, res, await start(who, pluginIn(req), kind, input));
      },
    );
  }
}

/** A caller may send a whole registry entry; only what was asked for is kept. */
function knownInput(input: OperationInput): OperationInput {
  const { version, downloadUrl, checksum, withDependencies, acceptedPermissions, force } = input;
  const all = { version, downloadUrl, checksum, withDependencies, acceptedPermissions, force };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
