import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The isolate's single file, built by `node services/plugin-runner/build.ts`; `npm start` and the image do that. */
export function isolateBundle(): string {
  const bundle = join(import.meta.dirname, '../../dist/isolate.cjs');
  if (!existsSync(bundle)) {
    throw new Error(`The isolate's bundle ${bundle} is missing; build it with: node services/plugin-runner/build.ts`);
  }
  return bundle;
}
