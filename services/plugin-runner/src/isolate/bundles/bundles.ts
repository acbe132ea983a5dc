import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script, constants } from 'node:vm';

type Body = (exports: unknown, require: (name: string) => unknown, module: { exports: unknown }) => void;

/**
 * The bundles of one folder, run as V8 has compiled them when the platform was built: that takes a sixth of the time that compiling them
 * again does. Where the compiled form is missing, or another V8's, a bundle is compiled as usual.
 */
export class Bundles {
  readonly #folder: string;
  readonly #require: NodeJS.Require;
  readonly #loaded = new Map<string, { exports: unknown }>();
  /** By the file of the bundle. */
  readonly scripts = new Map<string, Script>();

  /** `require` is for all else that bundles ask for: Node's own modules, and tables beside them. */
  constructor(folder: string, require: NodeJS.Require) {
    this.#folder = folder;
    this.#require = require;
  }

  /** What the bundle exports; a bundle loads those beside it by `require('./name.cjs')`. */
  load(name: string): unknown {
    const known = this.#loaded.get(name);
    if (known) return known.exports;
    const module: { exports: unknown } = { exports: {} };
    this.#loaded.set(name, module);
    const filename = join(this.#folder, name);
    const cachedData = readIfThere(compiledFile(filename));
    const script = new Script(`(function(exports,require,module){${readFileSync(filename, 'utf8')}\n})`, {
      filename,
      ...(cachedData ? { cachedData } : {}),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    this.scripts.set(filename, script);
    const body = script.runInThisContext() as Body;
    body(module.exports, (wanted) => (wanted.endsWith('.cjs') ? this.load(wanted) : this.#require(wanted)), module);
    return module.exports;
  }
}

/** Where the compiled form of a bundle lies. */
export function compiledFile(bundle: string): string {
  return `${bundle}.compiled`;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
