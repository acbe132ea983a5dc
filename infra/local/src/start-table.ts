export interface Row {
  name: string;
  where: string;
  what?: string;
}

/** Three columns as wide as their content; the page to open, the tokens and a curl line below. */
export function startTable(rows: Row[], tokens: { tenant: string; token: string }[], platformUrl: string): string {
  const nameWidth = Math.max(...rows.map((row) => row.name.length));
  const whereWidth = Math.max(...rows.map((row) => row.where.length));
  const lines = rows.map(({ name, where, what = '' }) =>
    `  ${name.padEnd(nameWidth)}  ${where.padEnd(whereWidth)}  ${what}`.trimEnd(),
  );
  const exports = tokens.map(({ tenant, token }) => `  export ${tenant.toUpperCase()}=${token}`);
  const first = tokens[0]?.tenant.toUpperCase() ?? '';
  return [
    ...lines,
    '',
    'Tokens of two admins, good for curl:',
    ...exports,
    `  curl -H "Authorization: Bearer $${first}" ${platformUrl}/api/marketplace`,
    '',
    `Open ${platformUrl} in a browser. Ctrl-C stops everything.`,
  ].join('\n');
}

/** An address as it may be shown on a screen. */
export function withoutPassword(address: string): string {
  const url = new URL(address);
  if (url.password !== '') url.password = '***';
  return url.href.replace(/\/$/, '');
}
