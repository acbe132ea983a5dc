import { PlatformError, isTenant } from '@verifywise/contracts';
import type { Identity } from '@verifywise/contracts';
import { SignJWT, jwtVerify } from 'jose';
import type { TokenKeys } from './token-keys.ts';
import { TOKEN_ALGORITHM } from './token-keys.ts';

/** Long enough to play with the demo for a morning. */
export const TOKEN_LIFE_SECONDS = 4 * 60 * 60;

export interface Tokens {
  sign(identity: Identity): Promise<string>;
  /** Throws UNAUTHENTICATED. */
  verify(token: string): Promise<Identity>;
}

export function createTokens(keys: TokenKeys, issuer: string): Tokens {
  return {
    sign({ tenant, userId, role, email, name }) {
      return new SignJWT({ tenant, role, email, name })
        .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: keys.kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setIssuedAt()
        .setExpirationTime(`${TOKEN_LIFE_SECONDS} s`)
        .sign(keys.privateKey);
    },
    async verify(token) {
      const { payload } = await jwtVerify(token, keys.publicKey, { issuer, algorithms: [TOKEN_ALGORITHM] }).catch(
        (cause: unknown) => {
          throw new PlatformError('UNAUTHENTICATED', 'The token is not valid or has expired', { cause });
        },
      );
      const { tenant, sub, role, email, name } = payload;
      if (!isTenant(tenant) || sub === undefined || typeof role !== 'string') {
        throw new PlatformError('UNAUTHENTICATED', 'The token lacks tenant, user or role');
      }
      return {
        tenant,
        userId: sub,
        role,
        ...(typeof email === 'string' ? { email } : {}),
        ...(typeof name === 'string' ? { name } : {}),
      };
    },
  };
}
