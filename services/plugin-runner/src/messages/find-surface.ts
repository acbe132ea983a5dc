import { answering } from '@verifywise/broker';
import type { QuestionAnswer } from '@verifywise/broker';
import type { Surface } from '@verifywise/contracts';
import { FindSurface, ListSurfaces, PlatformError } from '@verifywise/contracts';

export interface Surfaces {
  find(tenant: string, pluginId: string): Promise<Surface | null>;
  ofTenant(tenant: string): Promise<{ pluginId: string; version: string; surface: Surface }[]>;
}

/** `plugin-runner.find-surface`: what one enabled plugin offers. */
export function findSurface(surfaces: Surfaces): QuestionAnswer {
  return answering(FindSurface, ({ pluginId }, { tenant }) => surfaces.find(known(tenant), pluginId));
}

/** `plugin-runner.list-surfaces`: what all of a tenant's enabled plugins offer. */
export function listSurfaces(surfaces: Surfaces): QuestionAnswer {
  return answering(ListSurfaces, async (_payload, { tenant }) =>
    (await surfaces.ofTenant(known(tenant))).map(({ pluginId, version, surface }) => ({ pluginId, version, surface })),
  );
}

function known(tenant: string | null): string {
  if (tenant === null) throw new PlatformError('BAD_REQUEST', 'The question names no tenant');
  return tenant;
}
