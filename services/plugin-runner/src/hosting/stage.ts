import type { LifecycleHook } from '@verifywise/contracts';

/** How far the plugin's life has come in its isolate. */
export type Stage = 'none' | 'code' | 'loaded' | 'enabled';

/** Where a hook that succeeded leaves the plugin. */
export function stageAfter(hook: LifecycleHook, before: Stage): Stage {
  switch (hook) {
    case 'onLoad':
    case 'onDisable':
      return 'loaded';
    case 'onEnable':
      return 'enabled';
    case 'onUnload':
      return 'code';
    case 'onInstall':
    case 'onUninstall':
      return before;
  }
}
