import { SignJWT } from 'jose';

/** A token of a user of the tenant, as the platform would sign it with this secret. */
export function tokenOf(secret: string, tenant: string, role: string): Promise<string> {
  return new SignJWT({ tenant, role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1h')
    .sign(Buffer.from(secret));
}
