import type { PluginContext } from './context.ts';

/** The data a filter is about: an object whose fields the filter's name implies. */
export type FilterData = Record<string, unknown>;

/**
 * Takes the data as the handlers before it left them and returns what the next one gets (contract §1). Throwing, returning nothing or
 * taking too long leaves this handler out: the last good value goes on, and the error is in the plugin's log.
 */
export type FilterHandler<Data = FilterData> = (
  data: Data,
  context: PluginContext,
) => Data | undefined | Promise<Data | undefined>;

/** Handlers by filter name. */
export type FilterHandlers = Record<string, FilterHandler<never> | undefined>;

/** What the platform's own filters carry (contract §1). A plugin may apply filters of its own names too. */
export interface FilterPayloads {
  'risk:before_save': { risk: FilterData; projectId: number; userId: number; isNew: boolean };
  'risk:after_load': { risk: FilterData; includeMetadata: boolean };
  'risk:before_export': { risk: FilterData; format: string };
  'project:before_save': { project: FilterData; userId: number; isNew: boolean };
  'project:after_load': { project: FilterData; includeMetadata: boolean };
  'assessment:before_save': { assessment: FilterData; projectId: number; userId: number };
  'assessment:calculate_score': { projectId: number; frameworkId: number; answers: unknown[]; baseScore: number };
  'report:before_generate': {
    reportType: string;
    projectId: number;
    sections: unknown[];
    options: Record<string, unknown>;
  };
  'report:after_generate': { report: FilterData; projectId: number; options: Record<string, unknown> };
  'control:before_save': { control: FilterData; projectId: number; userId: number };
  'control:calculate_status': { controlId: number; subcontrols: unknown[]; currentStatus: string };
  'vendor:before_save': { vendor: FilterData; projectId: number; userId: number; isNew: boolean };
  'vendor:after_load': { vendor: FilterData; includeMetadata: boolean };
  'user:data_before_export': { userId: number; data: Record<string, unknown>; format: string };
}

/** A filter of the platform. */
export type FilterName = keyof FilterPayloads;

// A record, so that a name of `FilterPayloads` that is missing here does not compile.
const platformFilters: Record<FilterName, true> = {
  'risk:before_save': true,
  'risk:after_load': true,
  'risk:before_export': true,
  'project:before_save': true,
  'project:after_load': true,
  'assessment:before_save': true,
  'assessment:calculate_score': true,
  'report:before_generate': true,
  'report:after_generate': true,
  'control:before_save': true,
  'control:calculate_status': true,
  'vendor:before_save': true,
  'vendor:after_load': true,
  'user:data_before_export': true,
};

/** The names of the platform's filters (contract §1). */
export const filterNames: readonly FilterName[] = Object.keys(platformFilters) as FilterName[];
