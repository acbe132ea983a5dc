import { widgetTemplates } from '@verifywise/plugin-types';

/** Widgets and pages one plugin may offer; a dashboard with more is read by nobody. */
export const MOST_WIDGETS = 50;
export const MOST_PAGES = 20;
export const pageTypes = ['template', 'iframe', 'api'] as const;

const title = { type: 'string', minLength: 1, maxLength: 100 };
const template = { enum: widgetTemplates };
/** Below the plugin's own routes. */
const endpoint = { type: 'string', maxLength: 500, format: 'own-path' };
const count = (maximum: number) => ({ type: 'integer', minimum: 1, maximum });

/** What templates understand of a widget's or page's options (S:14.3); one may know more. */
const config = {
  type: 'object',
  properties: {
    refreshInterval: { type: 'number', minimum: 1, maximum: 86_400 },
    pageSize: count(1_000),
    limit: count(1_000),
    columns: count(12),
    compact: { type: 'boolean' },
    showChange: { type: 'boolean' },
    emptyMessage: { type: 'string', maxLength: 500 },
  },
};

/** A dashboard widget (S:13.2). Whatever `pluginId` says, it is its plugin's. */
export const widgetSchema = {
  type: 'object',
  required: ['widgetId', 'title', 'template', 'endpoint'],
  properties: { widgetId: { type: 'string', minLength: 1, maxLength: 100 }, title, template, endpoint, config },
};

/** A page of the plugin's own (contract §1). */
export const pageSchema = {
  type: 'object',
  required: ['title', 'type'],
  discriminator: { propertyName: 'type' },
  properties: { title, icon: { type: 'string', maxLength: 200 }, config },
  oneOf: [
    { properties: { type: { const: 'template' }, template, endpoint }, required: ['template', 'endpoint'] },
    { properties: { type: { const: 'api' }, endpoint }, required: ['endpoint'] },
    {
      properties: { type: { const: 'iframe' }, url: { type: 'string', maxLength: 2_000, format: 'frame-address' } },
      required: ['url'],
    },
  ],
};

/** `ui` of a manifest that is to be published; an installed one is looked at piece by piece, when its plugin is enabled. */
export const manifestUiSchema = {
  type: 'object',
  properties: {
    dashboardWidgets: { type: 'array', maxItems: MOST_WIDGETS, items: widgetSchema },
    page: pageSchema,
  },
};
