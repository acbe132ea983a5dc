export interface PageFacts {
  /** Where this page was asked for, for the commands on it. */
  origin: string;
  tenants: readonly string[];
  paths: readonly string[];
  services: readonly { name: string; url: string; does: string }[];
}

/** A page without scripts: what runs, who is there, what to type. */
export function pageHtml({ origin, tenants, paths, services }: PageFacts): string {
  const [tenant = 'acme'] = tenants;
  const steps: [string, string][] = [
    [
      `A token for the admin of ${tenant} (for demonstrations only: it asks for no password)`,
      `TOKEN=$(curl -s ${origin}/demo/token -H 'content-type: application/json' -d '{"tenant":"${tenant}"}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
    ],
    ['The marketplace', `curl -s ${origin}/api/marketplace -H "authorization: Bearer $TOKEN"`],
    [
      'Install and enable a plugin',
      `curl -s -X POST ${origin}/api/plugins/install -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"id":"activity-feed"}'
curl -s -X POST ${origin}/api/plugins/activity-feed/enable -H "authorization: Bearer $TOKEN"`,
    ],
    [
      'Cause an event: a project, and a risk in it',
      `curl -s ${origin}/api/projects -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"title":"Chatbot"}'
curl -s ${origin}/api/risks -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"projectId":1,"title":"Hallucinated advice","severity":"high"}'`,
    ],
    [
      'What the plugin made of it',
      `curl -s ${origin}/api/plugins/activity-feed/activity -H "authorization: Bearer $TOKEN"`,
    ],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>VerifyWise plugin platform</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; background: #fff }
  h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
  table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #dde3ea; vertical-align: top }
  pre { background: #f4f6f8; padding: .75rem 1rem; overflow-x: auto; border-radius: 6px } code { font: 14px ui-monospace, monospace }
</style>
<h1>VerifyWise plugin platform</h1>
<p>This is the demo platform: a small host application with a few tables. It tells plugins what happens in them and passes
requests for plugins and the marketplace on to the services below. Its users log in without a password, so it is for
demonstrations only.</p>
<h2>What runs</h2>
<table>
<tr><th>Service<th>Address<th>Does</tr>
${services.map(({ name, url, does }) => `<tr><td>${escaped(name)}<td><code>${escaped(url)}</code><td>${escaped(does)}</tr>`).join('\n')}
</table>
<p>Each serves <code>/readyz</code>, <code>/metrics</code> and <code>/openapi.json</code>; so does this platform:
<a href="/openapi.json">openapi.json</a>, <a href="/readyz">readyz</a>.</p>
<h2>Tenants</h2>
<table>
<tr><th>Tenant<th>Admin<th>Viewer</tr>
${tenants.map((one) => `<tr><td>${escaped(one)}<td>admin@${escaped(one)}.example<td>viewer@${escaped(one)}.example</tr>`).join('\n')}
</table>
<h2>Try it</h2>
${steps.map(([what, command]) => `<p>${escaped(what)}</p>\n<pre><code>${escaped(command)}</code></pre>`).join('\n')}
<h2>What the platform keeps</h2>
<p>${paths.map((path) => `<code>${escaped(path)}</code>`).join(' ')}</p>
<p>Each: <code>GET</code> and <code>POST</code> on the list, <code>GET</code>, <code>PUT</code> and <code>DELETE</code> on
<code>/:id</code>. What is wrong with a request, the answer says.</p>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
