import { runRotation } from '@verifywise/service-kit';
import { sealedTokens } from './store/sealed-tokens.ts';

await runRotation({
  ...{ service: 'registry-cache', schema: 'registry_cache', table: 'registries' },
  entities: [],
  store: sealedTokens,
});
