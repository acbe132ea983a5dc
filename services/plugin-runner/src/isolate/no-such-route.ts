/** What the platform itself answers below a plugin's path, by the methods that it answers to; with others the path is the plugin's. */
const methodsOfPlatform: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['GET']],
  ...['enable', 'disable', 'update', 'rollback', 'uninstall'].map((word): [string, string[]] => [word, ['POST']]),
  ...['config', 'permissions'].map((word): [string, string[]] => [word, ['GET', 'PUT']]),
  ...['dependencies', 'errors', 'audit', 'update-plan', 'config/history'].map((word): [string, string[]] => [
    word,
    ['GET'],
  ]),
]);

/** Says that the plugin has no such route; to whom meant one of the platform's own, how that is asked for. */
export function noSuchRoute(pluginId: string, { method, path }: { method: string; path: string }): string {
  const base = `/api/plugins/${pluginId}`;
  const rest = path.slice(base.length).replace(/^\/|\/$/g, '');
  const none = `${pluginId} has no route ${method} /${rest.slice(0, LONGEST_SHOWN)}`;
  if (rest === '' && method === 'DELETE') return `${none}; POST ${base}/uninstall uninstalls it`;
  const methods = methodsOfPlatform.get(rest.toLowerCase());
  if (methods === undefined || methods.includes(method)) return none;
  const where = rest === '' ? base : `${base}/${rest}`;
  return `${none}; the platform answers ${methods.map((name) => `${name} ${where}`).join(' and ')}`;
}

const LONGEST_SHOWN = 200;
