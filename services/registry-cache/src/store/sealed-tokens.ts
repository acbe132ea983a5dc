import { byKid, type Database, type SealedOwner, type SealedStore } from '@verifywise/service-kit';
import { placeOfToken } from '../registries/token-seal.ts';

const COUNT = `SELECT split_part(sealed_token, ':', 2) AS kid, count(*)::integer AS count
  FROM registries WHERE sealed_token IS NOT NULL GROUP BY 1`;
const OTHERS = `SELECT name, sealed_token FROM registries
  WHERE sealed_token IS NOT NULL AND split_part(sealed_token, ':', 2) <> $1 ORDER BY name`;

/** The tokens of registries, for a change of keys. */
export function sealedTokens({ source }: Database): SealedStore {
  return {
    what: 'tokens of registries',
    count: async () => byKid(await source.query<{ kid: string; count: number }[]>(COUNT)),
    async *owners(exceptKid) {
      const rows = await source.query<{ name: string; sealed_token: string }[]>(OTHERS, [exceptKid]);
      for (const { name, sealed_token: sealed } of rows) {
        const place = placeOfToken(name);
        const owner: SealedOwner = {
          secrets: [{ place, sealed }],
          async replace(renewed) {
            const [, replaced] = await source.query<[unknown[], number]>(
              'UPDATE registries SET sealed_token = $3 WHERE name = $1 AND sealed_token = $2',
              [name, sealed, renewed[place.field]],
            );
            return replaced > 0;
          },
        };
        yield owner;
      }
    },
  };
}
