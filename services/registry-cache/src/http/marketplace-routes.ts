import { createHash } from 'node:crypto';
import { ADMIN_ROLE, PlatformError, checkCompatibility } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requireRole, success } from '@verifywise/service-kit';
import { Router, type Request } from 'express';
import { browse } from '../catalogue/browse.ts';
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
import { orUnknown } from './unknown-installed.ts';

export interface MarketplaceNeeds {
  current: CurrentCatalogue;
  installed: InstalledPlugins;
  icons: PluginIcons;
  hostVersion: string;
}

/** Everything of the marketplace but browsing, which is `browseRoute`. */
export function marketplaceRoutes(needs: MarketplaceNeeds, { identity, once }: Guards): Router {
  const { current, installed, icons, hostVersion } = needs;
  const described = marketplaceDescriptions;
  const router = Router();

  router.get(described.categories.path, identity, async (_req, res) => {
    res.json(success(categories(await current.get())));
  });
  router.get(described.tags.path, identity, async (_req, res) => {
    res.json(success(tags(await current.get())));
  });
  router.get(described.updates.path, identity, async (req, res) => {
    const { plugins: own } = await installed.of(identityOf(req).tenant);
    const catalogue = await current.get();
    const all = { installed: 'updates', page: 1, limit: Math.max(1, catalogue.plugins.length) } as const;
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
    const own = await orUnknown(installed.of(identityOf(req).tenant));
    const { plugin } = found;
    const has = own?.plugins ?? new Map();
    const flags = flagsOf(plugin, has, hostVersion);
    const { steps, conflict } = await dependencyPlan(await current.get(), plugin, has, hostVersion);
    const shown = plugin.versions.find(({ version }) => version === plugin.version);
    res.json(
      success({
        ...offerAnswer({ ...found, flags }, hostVersion),
        changelog: shown?.changelog ?? null,
        versions: plugin.versions.map((version) => ({
          ...version,
          compatible: checkCompatibility(hostVersion, version.compatibility).compatible,
        })),
        dependencyPlan: steps,
        dependencyConflict: conflict,
        installedKnown: own?.current ?? false,
      }),
    );
  });
  return router;

  async function wanted(req: Request): Promise<CataloguePlugin> {
    const id = String(req.params['id']);
    const found = (await current.get()).find(id);
    if (found === undefined)
      throw new PlatformError(
        'PLUGIN_NOT_FOUND',
        `No registry lists a plugin ${id}; GET /api/marketplace?search=… finds what there is`,
      );
    return found;
  }
}
