import type { SurfaceMiddleware } from '@verifywise/contracts';
import type { MiddlewareApi, MiddlewareEntry } from '@verifywise/plugin-types';
import type { IsolateSetup, MiddlewareAnswer, MiddlewareCall } from './protocol.ts';

/** The plugin's middleware, in the order it was added. */
export class PluginMiddleware {
  constructor(_setup: Pick<IsolateSetup, 'pluginId' | 'tenant'>) {}
  whenChanged(_changed: () => void): void {}
  add(..._entry: Parameters<MiddlewareApi['add']>): string {
    return '';
  }
  remove(_id: string): boolean {
    return false;
  }
  clear(): number {
    return 0;
  }
  list(): MiddlewareEntry[] {
    return [];
  }
  has(_id: string): boolean {
    return false;
  }
  entries(): SurfaceMiddleware[] {
    return [];
  }
  run({ request, state }: MiddlewareCall): Promise<MiddlewareAnswer> {
    return Promise.resolve({ kind: 'continue', request, state, failures: [] });
  }
}
