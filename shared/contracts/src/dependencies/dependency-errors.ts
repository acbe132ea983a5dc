import { PlatformError } from '../errors.ts';

/** Somebody who needs a plugin in a range. */
export interface DependencyNeed {
  /** `car 1.0.0` */
  by: string;
  range: string;
}

export function needsInWords(pluginId: string, needs: readonly DependencyNeed[]): string {
  return needs.map(({ by, range }) => `${by} needs ${pluginId} ${range}`).join(', ');
}

/** No choice of versions suits everybody who needs this plugin. */
export class DependencyConflictError extends PlatformError {
  constructor(pluginId: string, needs: readonly DependencyNeed[], because: string) {
    super('DEPENDENCY_CONFLICT', `${needsInWords(pluginId, needs)}, and ${because}`, {
      details: { pluginId, needs },
    });
  }
}

export class DependencyCycleError extends PlatformError {
  constructor(circle: string[]) {
    const words = circle.slice(1).map((needed, index) => `${circle[index] ?? ''} needs ${needed}`);
    super(
      'DEPENDENCY_CONFLICT',
      `${words.join(', ')}: plugins that need each other in a circle cannot be installed one before the other; tell their authors`,
      { details: { circle } },
    );
  }
}

/** Whether there is a choice nobody knows; looking on would keep everybody else waiting. */
export class TooManyDependenciesError extends PlatformError {
  constructor(pluginId: string, tries: number) {
    super(
      'DEPENDENCY_CONFLICT',
      `What ${pluginId} needs was not put together within ${tries} tries; install some of it first, or tell its author`,
      { details: { pluginId } },
    );
  }
}
