/** Tests, and what a room's own tests share in its `testing/` folder. */
const testCode = ['\\.test\\.ts$', '^test/', '/testing/'];

/** The import rules of docs/architecture.md, each with a sentence for a name. */
const outer = (library, allowed) => ({
  name: `${library} has one home: ${allowed.join(' or ')}`,
  severity: 'error',
  from: { pathNot: [...allowed.map((place) => `^${place}`), ...testCode] },
  to: { path: `(^|/)node_modules/(@types/)?${library}(/|$)` },
});

module.exports = {
  forbidden: [
    {
      name: 'imports never go in a circle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'an import that cannot be found is a mistake', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'a plugin imports nothing of ours but plugin-types',
      severity: 'error',
      from: { path: '^plugins/' },
      to: { path: '^(shared/(?!plugin-types)|services/|infra/|test/)' },
    },
    {
      name: 'plugin-types imports nothing of ours',
      severity: 'error',
      from: { path: '^shared/plugin-types/' },
      to: { path: '^(shared/(?!plugin-types)|services/|infra/|test/|plugins/)' },
    },
    {
      name: 'contracts import nothing of ours but plugin-types',
      severity: 'error',
      from: { path: '^shared/contracts/' },
      to: { path: '^(shared/(?!contracts|plugin-types)|services/|infra/|test/|plugins/)' },
    },
    {
      name: 'contracts do no I/O',
      severity: 'error',
      from: { path: '^shared/contracts/src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], path: '^(node:)?(fs|net|http|https|child_process|dns|tls)' },
    },
    {
      name: 'broker and service-kit import nothing of ours but contracts',
      severity: 'error',
      from: { path: '^shared/(broker|service-kit)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(shared/(?!contracts|plugin-types|broker|service-kit)|services/|infra/|plugins/)' },
    },
    {
      name: 'broker and service-kit do not know each other',
      severity: 'error',
      from: { path: '^shared/(broker|service-kit)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^shared/(broker|service-kit)/', pathNot: '^shared/$1/' },
    },
    {
      name: 'the host SDK imports plugin-types, contracts and broker only',
      severity: 'error',
      from: { path: '^shared/host-sdk/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(shared/(?!plugin-types|contracts|broker|host-sdk)|services/|infra/|plugins/)' },
    },
    {
      name: 'a service imports shared, never another service',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'services do not know infra or plugins',
      severity: 'error',
      from: { path: '^services/', pathNot: testCode },
      to: { path: '^(infra|plugins)/' },
    },
    {
      name: 'nothing imports test',
      severity: 'error',
      from: { pathNot: testCode },
      to: { path: '^test/' },
    },
    {
      name: 'doors do not reach into hands',
      severity: 'error',
      from: { path: '^services/[^/]+/src/(http|messages)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^services/[^/]+/src/(store|redis|bullmq|package)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody imports main',
      severity: 'error',
      from: {},
      to: { path: '^services/[^/]+/src/main\\.ts$' },
    },
    {
      name: 'only main imports the composition root',
      severity: 'error',
      from: { pathNot: ['/main\\.ts$', ...testCode] },
      to: { path: '^services/[^/]+/src/service\\.ts$' },
    },
    outer('amqplib', ['shared/broker/']),
    outer('bullmq', ['services/scheduler/src/bullmq/']),
    outer('ioredis', ['services/[^/]+/src/redis/', 'services/scheduler/src/bullmq/']),
    outer('typeorm', ['services/[^/]+/src/store/', 'shared/service-kit/src/database/']),
    outer('pg', ['services/[^/]+/src/store/', 'shared/service-kit/src/database/', 'infra/', 'shared/host-sdk/']),
    outer('unzipper', ['services/installer/src/package/', 'services/plugin-runner/src/package/']),
    outer('opossum', ['shared/service-kit/']),
    outer('undici', [
      'shared/service-kit/',
      'services/plugin-runner/src/http/',
      'services/plugin-runner/src/hosting/isolate-door.ts',
    ]),
    outer('express', [
      'services/[^/]+/src/http/',
      'shared/service-kit/',
      'services/plugin-runner/src/isolate/',
      'shared/host-sdk/',
      'shared/plugin-types/',
      'infra/',
    ]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|fixtures|\\.local)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
    },
  },
};
