import type { ModelApi } from '@verifywise/plugin-types';
import type { LiveSettings } from './live-settings.ts';
import type { IsolateSetup } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

export function createModels(_channel: RunnerChannel, _settings: LiveSettings, _setup: IsolateSetup): ModelApi {
  return {} as ModelApi;
}
