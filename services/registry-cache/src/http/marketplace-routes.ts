import { createHash } from 'node:crypto';
import { ADMIN_ROLE, OPERATOR_ROLE, PlatformError, checkCompatibility } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requireRole, success } from '@verifywise/service-kit';
import { Router, type Request } from 'express';
import { browse, type BrowseQuery } from '../catalogue/browse.ts';
import type { CataloguePlugin } from '../catalogue/catalogue.ts';
import { categories, tags } from '../catalogue/counts.ts';
import { dependencyPlan } from '../catalogue/dependency-plan.ts';
import { flagsOf } from '../catalogue/installed-flags.ts';
import type { PluginIcons } from '../fetching/plugin-icons.ts';
import type { InstalledPlugins } from '../installed/installed-plugins.ts';
import type { CurrentCatalogue } from '../registries/current-catalogue.ts';
import type { Guards } from './guards.ts';
import { marketplaceDescriptions } from './marketplace-descriptions.ts';
import { offerAnswer } from './offer-answer.ts';

export interface MarketplaceNeeds {
  current: CurrentCatalogue;
  installed: InstalledPlugins;
  icons: PluginIcons;
  hostVersion: string;
}

/** Everybody may ask for fresh data, but only an admin at any time. */
const REFRESH_FOR_ALL_MS = 30_000;

export function marketplaceRoutes(needs: MarketplaceNeeds, { identity, once }: Guards): Router {
  const { current, installed, icons, hostVersion } = needs;
  const described = marketplaceDescriptions;
  const router = Router();

  router.get(described.browse.path, identity, checked({ query: described.browse.query }), async (req, res) => {
    const query = req.query as unknown as BrowseQuery & { refresh?: boolean };
    const { tenant, role } = identityOf(req);
    if (query.refresh === true)
      await current.refresh(role === ADMIN_ROLE || role === OPERATOR_ROLE ? 0 : REFRESH_FOR_ALL_MS);
    const catalogue = await current.get();
    const known = installed.of(tenant);
    // Who only looks around can do so while the installer is away; who asks for what is installed cannot.
    const own = query.installed === undefined ? await known.catch(whileAway) : await known;
    const { offers, total } = browse(catalogue, own ?? new Map(), hostVersion, query);
    const registries = current.freshness();
    const first = registries.find(({ version }) => version !== null);
    res.json(
      success({
        registryVersion: first?.version ?? null,
        registryUpdated: first?.updated ?? null,
        plugins: offers.map((offer) => offerAnswer(offer, hostVersion)),
        total,
        page: query.page,
        limit: query.limit,
        installedKnown: own !== undefined,
        stale: registries.some(({ stale }) => stale),
        ageSeconds: oldest(registries.map(({ ageSeconds }) => ageSeconds)),
        registries,
      }),
    );
  });

  router.get(described.categories.path, identity, async (_req, res) => {
    res.json(success(categories(await current.get())));
  });
  router.get(described.tags.path, identity, async (_req, res) => {
    res.json(success(tags(await current.get())));
  });
  router.get(described.updates.path, identity, async (req, res) => {
    const own = await installed.of(identityOf(req).tenant);
    const catalogue = await current.get();
    const all = { installed: 'updates', page: 1, limit: catalogue.plugins.length } as const;
    const { offers, total } = browse(catalogue, own, hostVersion, all);
    res.json(success({ plugins: offers.map((offer) => offerAnswer(offer, hostVersion)), total }));
  });
  router.post(described.refresh.path, identity, requireRole(ADMIN_ROLE), jsonBody(), once, async (_req, res) => {
    const registries = await current.refresh(0);
    const failed = registries.filter(({ outcome }) => outcome === 'failed');
    if (failed.length > 0 && failed.length === registries.length) {
      const reasons = failed.map(({ registry, error = 'failed' }) => `${registry}: ${error}`);
      throw new PlatformError('REGISTRY_UNAVAILABLE', reasons.join('; '), { details: { registries } });
    }
    res.json(success({ registries, total: (await current.get()).plugins.length }));
  });

  router.get(described.icon.path, identity, checked({ params: described.icon.params }), async (req, res) => {
    const png = await icons(await wanted(req));
    res.set({
      'Content-Type': 'image/png',
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cross-Origin-Resource-Policy': 'same-site',
      'Cache-Control': 'private, max-age=3600',
      ETag: `"${createHash('sha256').update(png).digest('base64url')}"`,
    });
    res.send(png);
  });
  router.get(described.details.path, identity, checked({ params: described.details.params }), async (req, res) => {
    const found = await wanted(req);
    const own = await installed.of(identityOf(req).tenant);
    const { plugin } = found;
    const flags = flagsOf(plugin, own, hostVersion);
    const shown = plugin.versions.find(({ version }) => version === plugin.version);
    res.json(
      success({
        ...offerAnswer({ ...found, flags }, hostVersion),
        changelog: shown?.changelog ?? null,
        versions: plugin.versions.map((version) => ({
          ...version,
          compatible: checkCompatibility(hostVersion, version.compatibility).compatible,
        })),
        dependencyPlan: dependencyPlan(await current.get(), plugin, own, hostVersion),
      }),
    );
  });
  return router;

  async function wanted(req: Request): Promise<CataloguePlugin> {
    const id = String(req.params['id']);
    const found = (await current.get()).find(id);
    if (found === undefined) throw new PlatformError('PLUGIN_NOT_FOUND', `No registry lists a plugin ${id}`);
    return found;
  }
}

/** Undefined when nobody can say now what is installed. */
function whileAway(error: unknown): undefined {
  const code = error instanceof PlatformError ? error.code : undefined;
  if (code !== 'UNAVAILABLE' && code !== 'ASK_TIMED_OUT' && code !== 'BROKER_UNAVAILABLE') throw error;
}

function oldest(ages: readonly (number | null)[]): number | null {
  const known = ages.filter((age) => age !== null);
  return known.length === 0 ? null : Math.max(...known);
}
