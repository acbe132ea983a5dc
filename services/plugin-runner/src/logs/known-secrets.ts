import type { Installation } from '@verifywise/contracts';
import type { SecretBox } from '@verifywise/service-kit';
import type { Mask } from './loggable.ts';
import { secretMask } from './secret-mask.ts';

/** Of so many plugins the opened secrets are remembered; the others' are opened again. */
const MOST_PLUGINS = 2_000;
/** Values that were replaced are masked too: the running code may still know them. */
const MOST_VALUES = 50;

interface Known {
  generation: number;
  values: string[];
  mask: Mask;
}

/** The secret settings of the plugins that write lines, so that none of their values is ever in a log. */
export class KnownSecrets {
  readonly #box: Pick<SecretBox, 'open'>;
  readonly #known = new Map<string, Known>();

  constructor(box: Pick<SecretBox, 'open'>) {
    this.#box = box;
  }

  maskFor(installation: Installation): Mask {
    const { tenant, pluginId, generation } = installation;
    const key = `${tenant}/${pluginId}`;
    const known = this.#known.get(key);
    if (known && known.generation >= generation) return known.mask;
    const values = [...new Set([...this.#opened(installation), ...(known?.values ?? [])])].slice(0, MOST_VALUES);
    const mask = secretMask(values);
    this.#known.delete(key);
    this.#known.set(key, { generation, values, mask });
    const oldest = this.#known.keys().next();
    if (this.#known.size > MOST_PLUGINS && !oldest.done) this.#known.delete(oldest.value);
    return mask;
  }

  #opened({ tenant, pluginId, config }: Installation): string[] {
    return Object.entries(config.secrets).flatMap(([field, sealed]) => {
      try {
        return [this.#box.open(sealed, { tenant, pluginId, field })];
      } catch {
        // What cannot be opened here was never given to the plugin.
        return [];
      }
    });
  }
}
