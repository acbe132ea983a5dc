import { pipeline } from 'node:stream/promises';
import { PlatformError } from '@verifywise/contracts';
import { route, type ServiceTokens } from '@verifywise/service-kit';
import express, { type Router } from 'express';
import type { StoredPackage } from '../installation/hands.ts';

interface StoredBytes {
  find(digest: string): Promise<StoredPackage | null>;
  read(digest: string): AsyncIterable<Buffer>;
}

export const packageRoute = route({
  method: 'get',
  path: '/internal/packages/:digest',
  summary: 'The bytes of a stored package, for runners',
  role: 'service',
  answers: { 200: { description: 'The zip, the same for ever', contentType: 'application/zip' } },
});

/** Packages for runners: immutable, so whoever has one need never ask again. */
export function packageRoutes(packages: StoredBytes, tokens: ServiceTokens): Router {
  const router = express.Router();
  router.get(packageRoute.path, tokens.check('installer'), async (req, res) => {
    const digest = String(req.params.digest);
    const found = /^sha256:[0-9a-f]{64}$/.test(digest) ? await packages.find(digest) : null;
    if (found === null) throw new PlatformError('PACKAGE_NOT_FOUND', 'There is no such package');
    res.set({
      'Content-Type': 'application/zip',
      'Content-Length': String(found.size),
      'Cache-Control': 'private, max-age=31536000, immutable',
      ETag: `"${digest}"`,
    });
    await pipeline(packages.read(digest), res);
  });
  return router;
}
