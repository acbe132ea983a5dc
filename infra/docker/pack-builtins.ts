/** Packs what ships with the platform, as the installer takes it in: `node infra/docker/pack-builtins.ts <output folder>`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPluginFolders, packPlugin } from '../registry/src/index.ts';

const output = process.argv[2];
if (output === undefined) throw new Error('Say which folder the packages go to');
mkdirSync(output, { recursive: true });
for (const folder of await findPluginFolders(join(import.meta.dirname, '../../plugins/builtin'))) {
  const { fileName, bytes } = await packPlugin(folder);
  writeFileSync(join(output, fileName), bytes);
}
