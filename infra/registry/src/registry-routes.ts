import express, { Router } from 'express';

/** registry.json, packages and icons of a folder, with ETag and Last-Modified; whoever has them asks whether they changed. */
export function registryRoutes(folder: string): Router {
  const router = Router();
  router.use((req, _res, next) => {
    // `fetch` adds `Cache-Control: no-cache` to a conditional request, which Express takes as "never answer 304".
    delete req.headers['cache-control'];
    next();
  });
  router.use(
    express.static(folder, {
      index: false,
      redirect: false,
      dotfiles: 'ignore',
      etag: true,
      lastModified: true,
      // `npm start` after a change of a plugin makes another file of the same name.
      setHeaders: (res) => void res.setHeader('Cache-Control', 'no-cache'),
    }),
  );
  return router;
}
