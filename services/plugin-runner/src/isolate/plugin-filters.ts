import type { SurfaceFilter } from '@verifywise/contracts';
import type { FilterHandler, PluginContext } from '@verifywise/plugin-types';
import type { FilterAnswer, FilterCall } from './protocol.ts';

/** Which of the plugin's handlers changes which filter's data. */
export class PluginFilters {
  whenChanged(_changed: () => void): void {}
  add(_filter: string, _handler: FilterHandler<never>, _priority = 10): void {}
  remove(_filter: string, _handler: FilterHandler<never>): void {}
  clear(): void {}
  entries(): SurfaceFilter[] {
    return [];
  }
  run({ data }: FilterCall, _context: PluginContext): Promise<FilterAnswer> {
    return Promise.resolve({ data, applied: 0, errors: [] });
  }
}
