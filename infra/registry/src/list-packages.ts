import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { registryOf } from './build-registry.ts';
import { writeDocument } from './output-folder.ts';
import type { PackedPlugin } from './pack-plugin.ts';
import { readPackage } from './read-package.ts';
import { addressesBelow, type RegistryAddresses } from './registry-document.ts';

const USAGE = `Say where the packages are and where they will be fetched:
  npm run list-packages -w infra/registry -- <folder with zips> --base-url https://registry.example [--out registry.json]
  npm run list-packages -w infra/registry -- <folder with zips> \\
    --download-url 'https://github.com/me/plugins/releases/download/{id}-{version}/{id}-{version}.zip' \\
    --icon-url 'https://raw.githubusercontent.com/me/plugins/main/plugins/{id}/icon.png'`;

/** Makes registry.json of a folder of packages (S:8.4, step 3); gives the exit code: 1 when a package was left out. */
async function main(args: string[]): Promise<number> {
  const { folder, out, addresses } = asked(args);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.zip')).sort();
  const { document, packages, refused } = await registryOf(
    names.map((name) => join(folder, name)),
    readPackage,
    addresses,
    new Date(),
  );
  const isNew = await writeDocument(document, out);
  for (const { manifest, checksum } of packages) console.log(`listed   ${manifest.id} ${manifest.version} ${checksum}`);
  for (const { error } of refused) console.error(`left out ${error.message}`);
  console.log(`${out} ${isNew ? 'was written' : 'says the same already'}: ${document.plugins.length} plugins`);
  return refused.length > 0 ? 1 : 0;
}

function asked(args: string[]): { folder: string; out: string; addresses: RegistryAddresses } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'base-url': { type: 'string' },
      'download-url': { type: 'string' },
      'icon-url': { type: 'string' },
      out: { type: 'string', default: 'registry.json' },
    },
  });
  const [folder, ...more] = positionals;
  const { 'base-url': baseUrl, 'download-url': download, 'icon-url': icon } = values;
  // npm runs scripts in the package's folder; paths are meant from where somebody has typed them.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  if (folder === undefined || more.length > 0) throw new Error(USAGE);
  const found = { folder: resolve(from, folder), out: resolve(from, values.out) };
  if (baseUrl !== undefined) return { ...found, addresses: addressesBelow(baseUrl.replace(/\/+$/, '')) };
  if (download === undefined || icon === undefined) throw new Error(USAGE);
  return { ...found, addresses: { download: filledIn(download), icon: filledIn(icon) } };
}

function filledIn(template: string): (packed: PackedPlugin) => string {
  return ({ manifest: { id, version } }) => template.replaceAll('{id}', id).replaceAll('{version}', version);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
