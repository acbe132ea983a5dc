/** Every permission a manifest may declare (S:6). What is not declared and granted throws when it is used. */
export const permissions = [
  'database:read',
  'database:write',
  'events:emit',
  'events:listen',
  'filters:add',
  'config:read',
  'config:write',
  'http:outbound',
  'filesystem:read',
  'filesystem:write',
  'models:define',
  'middleware:inject',
] as const;

export type Permission = (typeof permissions)[number];
