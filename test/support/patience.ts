import { jest } from '@jest/globals';

/** Journeys start processes and wait for brokers; what is slower than this hangs. */
jest.setTimeout(60_000);
