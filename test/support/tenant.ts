import { expect } from '@jest/globals';
import { DemoClient, type Answer } from '../../infra/local/src/demo-client.ts';
import type { TestPlatform } from './platform.ts';

/** One tenant's admin in front of the platform, as a journey speaks of it. */
export class Tenant extends DemoClient {
  static async of(platform: TestPlatform, tenant: string, role = 'Admin'): Promise<Tenant> {
    return new Tenant(platform.urls['demo-platform'], tenant, await platform.token(tenant, role));
  }

  /** Installs and enables; the newest version unless one is given. */
  async use(pluginId: string, version?: string): Promise<void> {
    expect(await this.install(pluginId, version)).toMatchObject({ status: 201 });
    expect(await this.enable(pluginId)).toMatchObject({ status: 200 });
  }

  install(pluginId: string, version?: string): Promise<Answer> {
    return this.post('/api/plugins/install', { id: pluginId, ...(version === undefined ? {} : { version }) });
  }

  enable(pluginId: string): Promise<Answer> {
    return this.post(`/api/plugins/${pluginId}/enable`);
  }

  disable(pluginId: string): Promise<Answer> {
    return this.post(`/api/plugins/${pluginId}/disable`);
  }

  uninstall(pluginId: string, deleteData: boolean): Promise<Answer> {
    return this.post(`/api/plugins/${pluginId}/uninstall`, { deleteData });
  }

  async plugin(pluginId: string): Promise<Answer['data']> {
    return (await this.get(`/api/plugins/${pluginId}`)).data;
  }

  /** Creates a project and answers its id. */
  async project(title: string): Promise<number> {
    const created = await this.post('/api/projects', { title });
    expect(created).toMatchObject({ status: 201 });
    return created.data.id as number;
  }

  async risk(projectId: number, title: string): Promise<void> {
    expect(await this.post('/api/risks', { projectId, title })).toMatchObject({ status: 201 });
  }

  /** What activity-feed has recorded about risks, oldest first. */
  async recordedRisks(): Promise<string[]> {
    const { status, data } = await this.get('/api/plugins/activity-feed/activity');
    expect(status).toBe(200);
    const activities = data.activities as { entityType: string; entityName: string }[];
    return activities
      .filter(({ entityType }) => entityType === 'risk')
      .map(({ entityName }) => entityName)
      .reverse();
  }
}
