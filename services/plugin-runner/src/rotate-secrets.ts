import { runRotation } from '@verifywise/service-kit';
import { sealedPasswords } from './store/sealed-passwords.ts';

await runRotation({
  ...{ service: 'plugin-runner', schema: 'plugin_runner', table: 'plugin_databases' },
  entities: [],
  store: sealedPasswords,
});
