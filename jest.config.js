/** Two projects: `unit` needs nothing but Node, `journeys` needs RabbitMQ, Redis and PostgreSQL (test/support starts them). */
const common = {
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/.local/', '/dist/'],
  watchPathIgnorePatterns: ['<rootDir>/.local/'],
};

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/{shared,services,infra,plugins,test/bench,test/fuzz}/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.real\\.test\\.ts$', '/.local/'],
    },
    {
      ...common,
      displayName: 'journeys',
      testMatch: [
        '<rootDir>/test/{journeys,faults}/**/*.test.ts',
        '<rootDir>/{shared,services,infra}/**/*.real.test.ts',
      ],
      testPathIgnorePatterns: ['/node_modules/', '/.local/'],
      setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'],
      globalSetup: '<rootDir>/test/support/start-backing-services.ts',
      globalTeardown: '<rootDir>/test/support/stop-backing-services.ts',
    },
  ],
};
