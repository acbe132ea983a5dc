import { EntitySchema } from 'typeorm';
import type { EndpointToken } from '../intake/endpoint.ts';

export const TokenTable = new EntitySchema<EndpointToken>({
  name: 'EndpointToken',
  tableName: 'endpoint_tokens',
  columns: {
    token: { type: 'text', primary: true },
    tenant: { type: 'text' },
    pluginId: { name: 'plugin_id', type: 'text' },
    webhook: { type: 'text' },
    createdAt: { name: 'created_at', type: 'timestamptz' },
    expiresAt: { name: 'expires_at', type: 'timestamptz', nullable: true },
  },
});
