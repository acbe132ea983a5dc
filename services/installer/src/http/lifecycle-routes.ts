import { actorOf, type Identity } from '@verifywise/contracts';
import { requestKeyOf } from '@verifywise/service-kit';
import type { Request } from 'express';
import type { SealGiven } from '../config/given-config.ts';
import type { OperationInput } from '../installation/progress.ts';
import type { UploadPlugin } from '../installation/upload-plugin.ts';
import type { OperationKind } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import { pluginIn, type Api } from './api.ts';
import type { AnswerOperation } from './operation-answer.ts';
import { assertPluginId, assertVersion } from './names.ts';
import { permissionsIn } from './permissions-in.ts';
import { begunAnswer, endedAnswer } from './plugin-schemas.ts';
import {
  emptyBody,
  enableBody,
  installBody,
  installFromUrlBody,
  rollbackBody,
  uninstallBody,
  updateBody,
  uploadBody,
} from './request-schemas.ts';
import { holdUpload, type HeldUpload, type ReceiveUpload } from './upload.ts';

interface Needs {
  operations: Operations;
  sealGiven: SealGiven;
  answer: AnswerOperation;
  uploadPlugin: UploadPlugin;
  receiveUpload: ReceiveUpload;
  uploadLimitBytes: number;
}

/** What the plugin is then, or where to ask when it takes longer. */
const answersOf = (status: 200 | 201, description: string) => ({
  [status]: { description, data: endedAnswer },
  202: { description: 'Begun; ask for it at Location', data: begunAnswer },
});

const headers = {
  type: 'object',
  properties: { Prefer: { type: 'string', description: '`respond-async` asks for 202 at once' } },
};

/** Install, update, roll back, enable, disable, uninstall: each an operation. */
export function addLifecycleRoutes(api: Api, needs: Needs): void {
  const { operations, sealGiven, answer, uploadPlugin, receiveUpload, uploadLimitBytes } = needs;
  const uploads = new WeakMap<Request, HeldUpload>();
  const start = (req: Request, who: Identity, pluginId: string, kind: OperationKind, input: OperationInput) =>
    operations.start({
      ...{ tenant: who.tenant, pluginId, kind, input },
      actor: actorOf(who),
      requestKey: requestKeyOf(req),
    });

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
        headers,
        answers: answersOf(201, 'Installed, not enabled'),
      },
      async (req, res, who) => {
        const { id, ...input } = req.body as OperationInput & { id: string };
        assertPluginId(id);
        assertVersion(input.version);
        await answer(req, res, await start(req, who, id, 'install', knownInput(input)), { created: true });
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
      headers,
      answers: answersOf(201, 'Installed, not enabled; or updated'),
    },
    async (req, res, who) => {
      const { upload, letGo } = uploads.get(req) as HeldUpload;
      uploads.delete(req);
      const requestKey = requestKeyOf(req);
      const operation = await uploadPlugin(who.tenant, { ...upload, requestKey }, actorOf(who)).finally(letGo);
      await answer(req, res, operation, { created: true });
    },
    async (req, res) => {
      const held = await holdUpload(receiveUpload, req, uploadLimitBytes);
      uploads.set(req, held);
      // Answered without being looked at, because it was answered before.
      res.once('close', () => uploads.get(req)?.letGo());
      return { ...held.upload, archive: held.upload.archive.checksum };
    },
  );

  for (const [kind, body, summary] of [
    ['enable', enableBody, 'Enables an installed plugin, or installs and enables one that ships with the platform'],
    ['disable', emptyBody, 'Disables an enabled plugin'],
    ['update', updateBody, 'Updates a plugin, to the newest version unless one is named'],
    ['rollback', rollbackBody, 'Swaps the installed version with the one before it; a second rollback swaps back'],
    ['uninstall', uninstallBody, 'Uninstalls a plugin; its data stays unless deleteData is set'],
  ] as const) {
    api.add(
      {
        method: 'post',
        path: `/api/plugins/:id/${kind}`,
        summary,
        role: 'Admin',
        body,
        headers,
        answers: answersOf(200, 'Done; the plugin as it is now'),
      },
      async (req, res, who) => {
        const { config, ...asked } = req.body as OperationInput & { config?: Record<string, unknown> };
        assertVersion(asked.version);
        const pluginId = pluginIn(req);
        const settings = config === undefined ? {} : { sealedConfig: sealGiven(who.tenant, pluginId, config) };
        const input = { ...withKnownPermissions(asked), ...settings };
        await answer(req, res, await start(req, who, pluginId, kind, input));
      },
    );
  }
}

/** A caller may send a whole registry entry; only what was asked for is kept. */
function knownInput(input: OperationInput): OperationInput {
  const { version, downloadUrl, checksum, withDependencies, acceptedPermissions, force } = input;
  const all = { version, downloadUrl, checksum, withDependencies, acceptedPermissions, force };
  return withKnownPermissions(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

function withKnownPermissions(input: OperationInput): OperationInput {
  const { acceptedPermissions } = input;
  if (acceptedPermissions === undefined) return input;
  return { ...input, acceptedPermissions: permissionsIn('acceptedPermissions', acceptedPermissions) };
}
