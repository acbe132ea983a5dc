import type { OperationKind, Saga } from '../operations/operation.ts';
import { disableSaga } from './disable-plugin.ts';
import { enableSaga } from './enable-plugin.ts';
import { installSaga } from './install-plugin.ts';
import { rollbackSaga } from './rollback-plugin.ts';
import type { SagaNeeds } from './saga-needs.ts';
import { uninstallSaga } from './uninstall-plugin.ts';
import { updateSaga } from './update-plugin.ts';

/** Every operation by its kind. */
export function createSagas(needs: SagaNeeds): Record<OperationKind, Saga> {
  return {
    install: installSaga(needs),
    enable: enableSaga(needs),
    disable: disableSaga(needs),
    update: updateSaga(needs),
    rollback: rollbackSaga(needs),
    uninstall: uninstallSaga(needs),
  };
}
