import { PlatformError } from '@verifywise/contracts';
import type { FireBook, ScheduleBook } from './books.ts';
import type { Fire, Schedule } from './schedule.ts';

/** What an admin does with a plugin's schedules. */
export interface ManageJobs {
  list(tenant: string, pluginId: string): Promise<Schedule[]>;
  runNow(tenant: string, pluginId: string, name: string): Promise<Fire>;
  pause(tenant: string, pluginId: string, name: string): Promise<Schedule>;
  resume(tenant: string, pluginId: string, name: string): Promise<Schedule>;
}

class ScheduleNotFoundError extends PlatformError {
  constructor(pluginId: string, name: string) {
    super('SCHEDULE_NOT_FOUND', `${pluginId} has no job named "${name}"`);
  }
}

interface Needs {
  schedules: ScheduleBook;
  fires: FireBook;
  wake: () => void;
  /** Throws when the tenant does not have the plugin. */
  assertInstalled: (tenant: string, pluginId: string) => Promise<void>;
}

export function createManageJobs({ schedules, fires, wake, assertInstalled }: Needs): ManageJobs {
  const setPaused = async (tenant: string, pluginId: string, name: string, paused: boolean) => {
    const schedule = await schedules.setPaused(tenant, pluginId, name, paused);
    if (schedule === undefined) throw new ScheduleNotFoundError(pluginId, name);
    wake();
    return schedule;
  };
  return {
    async list(tenant, pluginId) {
      const found = await schedules.list(tenant, pluginId);
      if (found.length === 0) await assertInstalled(tenant, pluginId);
      return found;
    },
    async runNow(tenant, pluginId, name) {
      const schedule = await schedules.find(tenant, pluginId, name);
      if (schedule === undefined) throw new ScheduleNotFoundError(pluginId, name);
      if (schedule.pluginDisabled)
        throw new PlatformError(
          'CONFLICT',
          `${pluginId} is disabled, so "${name}" cannot run; enable the plugin first`,
        );
      const fire = await fires.add(schedule);
      wake();
      return fire;
    },
    pause: (tenant, pluginId, name) => setPaused(tenant, pluginId, name, true),
    resume: (tenant, pluginId, name) => setPaused(tenant, pluginId, name, false),
  };
}
