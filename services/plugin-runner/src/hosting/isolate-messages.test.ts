import { describe, expect, test } from '@jest/globals';
import { emptySurface } from '@verifywise/contracts';
import { readMessage } from './isolate-messages.ts';

describe('a message of an isolate', () => {
  test.each([
    [{ kind: 'answer', id: 1, answer: null }],
    [{ kind: 'answer', id: 1, error: { message: 'no' } }],
    [{ kind: 'call', id: 1, call: 'metadata.get', request: [] }],
    [{ kind: 'log', level: 'info', message: '' }],
    [{ kind: 'surface', surface: emptySurface }],
    [{ kind: 'unhandled', error: { message: 'no', stack: 'at x' } }],
  ])('%j is one of the protocol', (said) => {
    expect(readMessage(said)).toBe(said);
  });

  test.each([
    [undefined],
    [null],
    ['log'],
    [{}],
    [{ kind: 'other' }],
    [{ kind: 'answer', id: '1' }],
    [{ kind: 'answer', id: 1, error: 5 }],
    [{ kind: 'call', id: 1, call: 5 }],
    [{ kind: 'log', level: 'constructor', message: 'x' }],
    [{ kind: 'log', level: 'info', message: {} }],
    [{ kind: 'surface', surface: { ...emptySurface, events: 'all' } }],
    [{ kind: 'surface', surface: { ...emptySurface, widgets: null } }],
    [{ kind: 'unhandled', error: null }],
  ])('%j is none', (said) => {
    expect(readMessage(said)).toBeUndefined();
  });
});
