import { describe, expect, test } from '@jest/globals';
import { checkedDefinition } from '../../isolate/models/definition.ts';
import { conditions } from './conditions.ts';
import { ownModel } from './model.ts';
import { StatementValues } from './statement-values.ts';

const model = ownModel(
  'notes',
  checkedDefinition('notes', 'Note', {
    n: { type: 'INTEGER' },
    text: { type: 'TEXT' },
    day: { type: 'DATEONLY' },
    json: { type: 'JSON' },
  }),
);

function sql(where: unknown): [string | undefined, unknown[]] {
  const values = new StatementValues();
  const text = conditions({ model, prefix: '"t"', values }, where);
  return [text, Object.values(values.all)];
}

describe('where as SQL', () => {
  test.each<[unknown, string | undefined, unknown[]]>([
    [undefined, undefined, []],
    [{}, undefined, []],
    [{ n: 1 }, '("t"."n" = :v1)', [1]],
    [{ n: null, text: 'x' }, '("t"."n" IS NULL AND "t"."text" = :v1)', ['x']],
    [{ n: [1, 2] }, '("t"."n" = ANY(:v1))', [[1, 2]]],
    [{ n: { notIn: [] } }, '(("t"."n" <> ALL(:v1)))', [[]]],
    [{ n: { gt: 1, lte: 5 } }, '(("t"."n" > :v1 AND "t"."n" <= :v2))', [1, 5]],
    [{ n: { between: [1, 5] } }, '(("t"."n" BETWEEN :v1 AND :v2))', [1, 5]],
    [{ n: { or: { lt: 1, eq: null } } }, '(((("t"."n" < :v1) OR ("t"."n" IS NULL))))', [1]],
    [{ or: [] }, '(FALSE)', []],
    [{ not: { n: 1 } }, '(NOT ("t"."n" = :v1))', [1]],
    [[{ n: 1 }, { text: 'x' }], '(("t"."n" = :v1) AND ("t"."text" = :v2))', [1, 'x']],
    [{ day: new Date('2026-03-01T10:00:00Z') }, '("t"."day" = :v1)', ['2026-03-01']],
    [{ json: { a: 1 } }, '(CAST("t"."json" AS jsonb) = CAST(:v1 AS jsonb))', ['{"a":1}']],
    [{ json: { eq: { gt: 1 } } }, '((CAST("t"."json" AS jsonb) = CAST(:v1 AS jsonb)))', ['{"gt":1}']],
  ])('%j', (where, text, values) => {
    expect(sql(where)).toEqual([text, values]);
  });

  test.each([
    [{ nope: 1 }],
    [{ n: { nope: 1 } }],
    [{ n: { in: 1 } }],
    [{ n: { between: [1] } }],
    [{ text: { like: 1 } }],
    [{ n: { is: 1 } }],
    [{ n: {} }],
    [{ n: { a: 1 } }],
    [{ or: 'n = 1' }],
    ['n = 1'],
    [{ constructor: 1 }],
    [{ n: { constructor: 1 } }],
  ])('%j is refused', (where) => {
    expect(() => sql(where)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});
