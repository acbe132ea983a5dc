import { expect } from '@jest/globals';
import type { Answer } from '../../infra/local/src/demo-client.ts';
import { zipOf } from '../../services/plugin-runner/src/package/fixtures/zip-of.ts';
import type { TestPlatform } from './platform.ts';
import { Tenant } from './tenant.ts';

/** Somebody who writes plugins, in front of a tenant of their own. */
export class PluginAuthor extends Tenant {
  readonly #platformUrl: string;
  readonly #ownToken: string;

  private constructor(platformUrl: string, tenant: string, token: string) {
    super(platformUrl, tenant, token);
    this.#platformUrl = platformUrl;
    this.#ownToken = token;
  }

  static override async of(platform: TestPlatform, tenant: string, role = 'Admin'): Promise<PluginAuthor> {
    return new PluginAuthor(platform.urls['demo-platform'], tenant, await platform.token(tenant, role));
  }

  /** Installs the plugin, or updates it when another version of it is there; with what it needs. */
  async upload(manifest: object, files: Record<string, string>): Promise<void> {
    const form = new FormData();
    form.append('withDependencies', 'true');
    const bytes = await zipOf({ 'manifest.json': JSON.stringify(manifest), ...files });
    form.append('plugin', new Blob([new Uint8Array(bytes)]), 'plugin.zip');
    const answer = await this.fetch('/api/plugins/upload', { method: 'POST', body: form });
    expect([answer.status, answer.ok ? '' : await answer.text()]).toEqual([expect.any(Number), '']);
  }

  /** A request as it is, for what does not come in the platform's envelope. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${this.#ownToken}`);
    return fetch(`${this.#platformUrl}${path}`, { ...init, headers });
  }

  /** What a route of the plugin answers as `data`. */
  async data(pluginId: string, path: string): Promise<unknown> {
    const answer = await this.get(`/api/plugins/${pluginId}${path}`);
    expect(answer).toMatchObject({ status: 200 });
    return answer.data;
  }

  async send(pluginId: string, path: string, body: unknown, method: 'POST' | 'PUT' = 'POST'): Promise<Answer> {
    const url = `/api/plugins/${pluginId}${path}`;
    return method === 'PUT' ? this.put(url, body) : this.post(url, body);
  }

  /** Where a sender outside of the platform reaches the plugin's webhook. */
  async webhookUrl(pluginId: string, name: string): Promise<string> {
    const { webhooks } = (await this.get(`/api/plugins/${pluginId}/webhooks`)).data as {
      webhooks: { name: string; url: string }[];
    };
    const url = webhooks.find((webhook) => webhook.name === name)?.url;
    if (url === undefined) throw new Error(`${pluginId} has no webhook ${name}`);
    return url;
  }
}
