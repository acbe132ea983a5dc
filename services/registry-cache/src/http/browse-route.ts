import { ADMIN_ROLE, OPERATOR_ROLE, type Identity } from '@verifywise/contracts';
import { pathOf, queryReader, type BearerCheck, type PlainRoute } from '@verifywise/service-kit';
import { browse, type BrowseQuery } from '../catalogue/browse.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { InstalledPlugins, KnownInstalled } from '../installed/installed-plugins.ts';
import { kept } from '../kept.ts';
import type { CurrentCatalogue, Freshness } from '../registries/current-catalogue.ts';
import { KeptAnswers } from './kept-answers.ts';
import { marketplaceDescriptions } from './marketplace-descriptions.ts';
import { offerWriter } from './offer-answer.ts';
import { orUnknown } from './unknown-installed.ts';

export interface BrowseNeeds {
  current: CurrentCatalogue;
  installed: InstalledPlugins;
  hostVersion: string;
  bearer: BearerCheck;
}

type Query = BrowseQuery & { refresh?: boolean };

/** Everybody may ask for fresh data, but only an admin at any time. */
const REFRESH_FOR_ALL_MS = 30_000;
/** So many bytes of answers are kept; tenants that have the same installed share theirs. */
const KEPT_BYTES = 64 * 1024 * 1024;
const MOST_QUERIES = 5_000;

/** `GET /api/marketplace`: asked for with every letter that somebody types, so it is served without Express and from what was written before. */
export function browseRoute({ current, installed, hostVersion, bearer }: BrowseNeeds): PlainRoute {
  const { path, query: schema } = marketplaceDescriptions.browse;
  const readQuery = rememberingQueries(queryReader(schema));
  const answers = new KeptAnswers(KEPT_BYTES);
  const write = offerWriter(hostVersion);

  return {
    route: path,
    takes: (req) => (req.method === 'GET' || req.method === 'HEAD') && isBrowse(pathOf(req), path),
    async serve(req, res) {
      const identity = await bearer(req, res);
      const query = readQuery(queryOf(req.url));
      if (query.refresh === true) await current.refresh(refreshedBefore(identity));
      const catalogue = await current.get();
      const known = installed.of(identity.tenant);
      // Who only looks around can do so while the installer is away; who asks for what is installed cannot.
      const own = query.installed === undefined ? await orUnknown(known) : await known;
      const found = pageOf(catalogue, own, query);
      const rest = Buffer.from(`${JSON.stringify(aboutNow(current.freshness(), own)).slice(1)}}`);
      res.setHeader('Content-Type', 'application/json; charset=utf-8');
      res.setHeader('Cache-Control', 'private, no-cache');
      res.setHeader('Content-Length', found.length + rest.length);
      if (req.method === 'HEAD') {
        res.end();
        return;
      }
      res.cork();
      res.write(found);
      res.end(rest);
    },
  };

  /** The answer up to what changes with every second. */
  function pageOf(catalogue: Catalogue, own: KnownInstalled | undefined, query: Query): Buffer {
    const { refresh: _refresh, ...asked } = query;
    const key = `${catalogue.generation} ${own?.revision ?? ''} ${JSON.stringify(asked)}`;
    const known = answers.find(key);
    if (known !== undefined) return known;
    const { offers, total } = browse(catalogue, own?.plugins ?? new Map(), hostVersion, query);
    const plugins = offers.map((offer) => write(offer, catalogue.find(offer.plugin.id) ?? offer));
    const { page, limit } = query;
    const counts = JSON.stringify({ total, page, limit }).slice(1, -1);
    const written = Buffer.from(`{"success":true,"data":{"plugins":[${plugins.join(',')}],${counts},`);
    answers.keep(key, written);
    return written;
  }
}

function aboutNow(registries: Freshness[], own: KnownInstalled | undefined): Record<string, unknown> {
  const first = registries.find(({ version }) => version !== null);
  const ages = registries.map(({ ageSeconds }) => ageSeconds).filter((age) => age !== null);
  return {
    registryVersion: first?.version ?? null,
    registryUpdated: first?.updated ?? null,
    installedKnown: own?.current ?? false,
    stale: registries.some(({ stale }) => stale),
    ageSeconds: ages.length === 0 ? null : Math.max(...ages),
    registries,
  };
}

function refreshedBefore({ role }: Identity): number {
  return role === ADMIN_ROLE || role === OPERATOR_ROLE ? 0 : REFRESH_FOR_ALL_MS;
}

function isBrowse(asked: string, path: string): boolean {
  return asked === path || asked.replace(/\/$/, '').toLowerCase() === path;
}

function queryOf(url = ''): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/** The same is asked for again and again, and reading it by its schema costs more than answering it. */
function rememberingQueries(read: (text: string) => unknown): (text: string) => Query {
  const queries = new Map<string, Query>();
  // The schema has checked that it is one.
  return (text) => kept(queries, text, MOST_QUERIES, () => read(text) as Query);
}
