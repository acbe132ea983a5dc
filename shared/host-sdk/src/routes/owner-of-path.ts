/** The services that answer under /api/marketplace and /api/plugins. */
export const upstreamNames = ['registry-cache', 'installer', 'plugin-runner', 'scheduler', 'webhook-gateway'] as const;
export type UpstreamName = (typeof upstreamNames)[number];

interface Ownership {
  owner: UpstreamName;
  path: RegExp;
  /** Which methods; all when not said. */
  methods?: readonly string[];
}

const read = ['GET', 'HEAD'];
const readAndPut = ['GET', 'HEAD', 'PUT'];
const post = ['POST'];

/** Contract §5, first match wins. Words of the platform win over a plugin's routes only for the methods they have. */
const ownerships: readonly Ownership[] = [
  { owner: 'registry-cache', path: /^\/api\/marketplace(\/.*)?$/i },
  { owner: 'installer', path: /^\/api\/plugins\/?$/i },
  { owner: 'plugin-runner', path: /^\/api\/plugins\/ui-extensions\/?$/i },
  { owner: 'installer', path: /^\/api\/plugins\/(stats|install|install-from-url|upload|audit)\/?$/i },
  { owner: 'installer', path: /^\/api\/plugins\/alerts(\/.*)?$/i },
  { owner: 'installer', path: /^\/api\/plugins\/operations(\/.*)?$/i },
  { owner: 'plugin-runner', path: /^\/api\/plugins\/[^/]+\/_(\/.*)?$/i },
  { owner: 'installer', path: /^\/api\/plugins\/[^/]+\/?$/i, methods: read },
  {
    owner: 'installer',
    path: /^\/api\/plugins\/[^/]+\/(enable|disable|update|rollback|uninstall)\/?$/i,
    methods: post,
  },
  { owner: 'installer', path: /^\/api\/plugins\/[^/]+\/(config|permissions)\/?$/i, methods: readAndPut },
  {
    owner: 'installer',
    path: /^\/api\/plugins\/[^/]+\/(dependencies|errors|audit|update-plan|config\/history)\/?$/i,
    methods: read,
  },
  { owner: 'scheduler', path: /^\/api\/plugins\/[^/]+\/jobs(\/.*)?$/i },
  { owner: 'webhook-gateway', path: /^\/api\/plugins\/[^/]+\/webhooks(\/.*)?$/i },
  { owner: 'plugin-runner', path: /^\/api\/plugins\/[^/]+(\/.*)?$/i },
];

/** A path that means another one after normalising: which service would own it depends on who normalises. */
const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

/** Which service owns this path (without its query), or undefined when it is none of the platform's. */
export function ownerOfPath(method: string, path: string): UpstreamName | undefined {
  if (DOT_SEGMENT.test(path)) return undefined;
  return ownerships.find(({ path: pattern, methods }) => (methods?.includes(method) ?? true) && pattern.test(path))
    ?.owner;
}
