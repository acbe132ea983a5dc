/**
 * `unit` needs nothing but Node, `journeys` needs RabbitMQ, Redis and PostgreSQL (test/support starts them); `faults` needs them too and
 * long (npm run faults).
 */
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

const withBackingServices = {
  setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'],
  globalSetup: '<rootDir>/test/support/start-backing-services.ts',
  globalTeardown: '<rootDir>/test/support/stop-backing-services.ts',
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
      testPathIgnorePatterns: ['/node_modules/', '/.local/', '/kill-at-every-step/', '/whole-matrix\\.test\\.ts$'],
      ...withBackingServices,
    },
    {
      ...common,
      displayName: 'faults',
      testMatch: [
        '<rootDir>/test/faults/kill-at-every-step/*.test.ts',
        '<rootDir>/test/faults/**/whole-matrix.test.ts',
      ],
      testPathIgnorePatterns: ['/node_modules/', '/.local/'],
      ...withBackingServices,
    },
  ],
};
