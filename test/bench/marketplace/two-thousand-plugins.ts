const SUBJECTS = [
  ...['Slack', 'Jira', 'GitHub', 'Teams', 'Notion', 'Zendesk', 'Okta', 'Datadog', 'Confluence', 'Salesforce'],
  ...['Risk', 'Vendor', 'Policy', 'Evidence', 'Incident', 'Audit', 'Model', 'Training', 'Privacy', 'Contract'],
];
const PURPOSES = [
  ...['Notifications', 'Integration', 'Dashboard', 'Importer', 'Exporter', 'Reports', 'Checklist', 'Register'],
  ...['Assistant', 'Connector', 'Monitor', 'Timeline', 'Scoring', 'Templates', 'Reminders', 'Archive', 'Mapper'],
];
const FLAVOURS = ['', 'Plus', 'Lite', 'Europe', 'Health', 'Finance'];
const TYPES = ['integration', 'feature', 'framework', 'reporting'];
const SENTENCES = [
  'Keeps everybody informed when something changes that somebody has to decide about.',
  'Collects what auditors ask for, and shows what is missing before they come.',
  'Brings tickets and controls together, so that nothing has to be written twice.',
  'Measures how far a project is from what a regulation demands of it.',
];

const LETTERS = 26;

/** Entries of a registry.json with so many plugins: names that resemble each other, as in a real marketplace, and each time the same ones. */
export function manyPlugins(count: number, origin: string): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, number) => {
    const subject = pick(SUBJECTS, number);
    const purpose = pick(PURPOSES, Math.floor(number / SUBJECTS.length));
    const flavour = pick(FLAVOURS, Math.floor(number / (SUBJECTS.length * PURPOSES.length)));
    const name = [subject, purpose, flavour].filter((word) => word !== '').join(' ');
    const id = idOf(number, name);
    return {
      ...{ id, name, version: '1.1.0', type: pick(TYPES, number) },
      description: `${name}. ${pick(SENTENCES, number)} ${pick(SENTENCES, number + 1)}`,
      author: { name: 'VerifyWise', url: 'https://verifywise.ai' },
      tags: [subject.toLowerCase(), purpose.toLowerCase(), `team-${number % 40}`],
      icon: `${origin}/icons/${id}.png`,
      download: `${origin}/downloads/${id}-1.1.0.zip`,
      checksum: `sha256:${'c'.repeat(64)}`,
      compatibility: { minVersion: '1.0.0' },
      permissions: ['events:listen', 'config:read', 'http:outbound'],
      dependencies: {},
      versions: [
        { version: '1.0.0', download: `${origin}/downloads/${id}-1.0.0.zip`, checksum: `sha256:${'d'.repeat(64)}` },
      ],
    };
  });
}

/** What people type: whole words, beginnings of them, and slips of the pen. */
export const searches = [
  ...['slack', 'slak', 'sla', 'jira integration', 'notifcations', 'risk', 'risk dash', 'vendor reports', 'audit'],
  ...['polcy checklist', 'github', 'evidnce', 'team-7', 'timeline', 'salesforce importer', 'privacy', 'auditors'],
  ...['datdog', 'regulation', 'okta conector', 'in', 'mon', 'incident register', 'training', 'scoring plus'],
];

/** A text that nobody has searched for before: a name with a letter too many, and the beginning of another. */
export function newSearch(number: number): string {
  const subject = pick(SUBJECTS, number).toLowerCase();
  const wrong = String.fromCharCode('a'.charCodeAt(0) + (Math.floor(number / SUBJECTS.length) % LETTERS));
  const at = Math.floor(number / (SUBJECTS.length * LETTERS)) % subject.length;
  const purpose = pick(PURPOSES, number * 7 + Math.floor(number / 2_000)).toLowerCase();
  return `${subject.slice(0, at)}${wrong}${subject.slice(at)} ${purpose.slice(0, 2 + (Math.floor(number / 13) % 4))}`;
}

function idOf(number: number, name: string): string {
  return `${name.toLowerCase().replaceAll(' ', '-')}-p${number}`;
}

function pick<Item>(from: readonly Item[], at: number): Item {
  return from[at % from.length] as Item;
}
