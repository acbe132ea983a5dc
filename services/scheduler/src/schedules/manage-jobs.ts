import { PlatformError } from '@verifywise/contracts';
import type { FireBook, ScheduleBook } from './books.ts';
import type { Fire, Schedule } from './schedule.ts';

/** What an admin does with a plugin's schedules. */
export interface ManageJobs {
  list(tenant: string, pluginId: string): Promise<Schedule[]>;
  /** The newest runs of a job, newest first. */
  runs(tenant: string, pluginId: string, name: string): Promise<Fire[]>;
  runNow(tenant: string, pluginId: string, name: string): Promise<Fire>;
  pause(tenant: string, pluginId: string, name: string): Promise<Schedule>;
  resume(tenant: string, pluginId: string, name: string): Promise<Schedule>;
}

class ScheduleNotFoundError extends PlatformError {
  constructor(pluginId: string, name: string) {
    super(
      'SCHEDULE_NOT_FOUND',
      `${pluginId} has no job named "${name}"; GET /api/plugins/${pluginId}/jobs lists those it has`,
    );
  }
}

class JobRunningError extends PlatformError {
  constructor(pluginId: string, name: string) {
    super(
      'JOB_RUNNING',
      `"${name}" of ${pluginId} is running, and its runs may not overlap; run it again when this one is over`,
    );
  }
}

/** As many as an admin looks through. */
const RUNS_SHOWN = 50;

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
  const found = async (tenant: string, pluginId: string, name: string) => {
    const schedule = await schedules.find(tenant, pluginId, name);
    if (schedule === undefined) throw new ScheduleNotFoundError(pluginId, name);
    return schedule;
  };
  return {
    async list(tenant, pluginId) {
      const found = await schedules.list(tenant, pluginId);
      if (found.length === 0) await assertInstalled(tenant, pluginId);
      return found;
    },
    async runs(tenant, pluginId, name) {
      return fires.listOf((await found(tenant, pluginId, name)).id, RUNS_SHOWN);
    },
    async runNow(tenant, pluginId, name) {
      const answer = await fires.runNow(await found(tenant, pluginId, name));
      if (answer.kind === 'gone') throw new ScheduleNotFoundError(pluginId, name);
      if (answer.kind === 'running') throw new JobRunningError(pluginId, name);
      if (answer.kind === 'plugin-disabled')
        throw new PlatformError(
          'CONFLICT',
          `${pluginId} is disabled, so "${name}" cannot run; enable the plugin first`,
        );
      wake();
      return answer.fire;
    },
    pause: (tenant, pluginId, name) => setPaused(tenant, pluginId, name, true),
    resume: (tenant, pluginId, name) => setPaused(tenant, pluginId, name, false),
  };
}
