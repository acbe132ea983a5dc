/** An alert as it is read (AlertLine). */
export const ALERT_COLUMNS = `id, plugin_id AS "pluginId", version, message, severity, suggested_fix AS "suggestedFix", failure, at,
  acknowledged_by AS "acknowledgedBy", acknowledged_at AS "acknowledgedAt"`;
