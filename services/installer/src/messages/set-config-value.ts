import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { SetConfigValue } from '@verifywise/contracts';
import type { ChangeConfig } from '../config/change-config.ts';

export function setConfigValue(changeConfig: ChangeConfig): QuestionAnswer {
  return answering(SetConfigValue, ({ pluginId, key, value }, about) => {
    const actor = { service: `plugin:${pluginId}` };
    return changeConfig(tenantOf(about), pluginId, { changes: { [key]: value }, actor });
  });
}
