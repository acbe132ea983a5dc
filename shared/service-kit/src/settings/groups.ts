import { DEFAULT_PARTITIONS } from '@verifywise/contracts';
import { signingKey, trustedKeys } from './keys.ts';
import { integer, oneOf, optionalText, text, url, optionalUrl } from './kinds.ts';
import { readAs, textIn, wrong, type Setting } from './read-settings.ts';

/** More partitions than this would be more queues than one broker holds gladly. */
const MAX_PARTITIONS = 1024;

/** What every service reads, to be spread into its own settings; the port is each service's own. */
export const commonSettings = {
  host: text('HOST', '127.0.0.1'),
  logLevel: oneOf('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  brokerUrl: url('BROKER_URL', undefined, {
    schemes: ['amqp', 'amqps'],
    example: 'amqp://user:password@127.0.0.1:5672',
  }),
  databaseUrl: url('DATABASE_URL', undefined, {
    schemes: ['postgres', 'postgresql'],
    example: 'postgres://user:password@127.0.0.1:5432/verifywise',
  }),
  partitions: integer('PARTITIONS', DEFAULT_PARTITIONS, { min: 1, max: MAX_PARTITIONS }),
  stopDeadlineMs: integer('STOP_DEADLINE_MS', 25_000, { min: 0, max: 600_000 }),
};

/** HMAC with SHA-256 is as strong as its secret: RFC 7518 asks for at least as many bytes as the hash has. */
const MIN_JWT_SECRET_LENGTH = 32;

const jwksUrl: Setting<string | undefined> = {
  read(env) {
    const fromSecret = textIn(env, 'JWT_SECRET') !== undefined;
    const fromUrl = textIn(env, 'JWKS_URL') !== undefined;
    const example = 'https://platform.example.com/.well-known/jwks.json';
    if (!fromSecret && !fromUrl) return wrong('JWKS_URL', 'or JWT_SECRET must be set', example);
    if (fromSecret && fromUrl) return wrong('JWKS_URL', 'and JWT_SECRET are both set, keep one of them', example);
    return optionalUrl('JWKS_URL').read(env);
  },
};

const jwtSecret: Setting<string | undefined> = {
  read(env) {
    const secret = textIn(env, 'JWT_SECRET');
    return secret !== undefined && secret.length < MIN_JWT_SECRET_LENGTH
      ? wrong('JWT_SECRET', `is shorter than ${MIN_JWT_SECRET_LENGTH} characters`, '<48 random characters>')
      : readAs(secret);
  },
};

/** How the platform's tokens are checked; the result is what `identityCheck` takes. */
export const identitySettings = {
  jwksUrl,
  jwtSecret,
  jwtIssuer: optionalText('JWT_ISSUER'),
  jwtAudience: optionalText('JWT_AUDIENCE'),
  jwtClaimTenant: text('JWT_CLAIM_TENANT', 'tenant'),
  jwtClaimUser: text('JWT_CLAIM_USER', 'sub'),
  jwtClaimRole: text('JWT_CLAIM_ROLE', 'role'),
  jwtClaimEmail: text('JWT_CLAIM_EMAIL', 'email'),
  jwtClaimName: text('JWT_CLAIM_NAME', 'name'),
};

/** The keys between services; the result is what `serviceTokens` takes, beside the service's name. */
export const serviceKeySettings = {
  signingKey: signingKey('SERVICE_SIGNING_KEY'),
  trustedKeys: trustedKeys('SERVICE_TRUSTED_KEYS'),
};
