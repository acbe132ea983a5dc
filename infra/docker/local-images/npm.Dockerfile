# The Node image with an npm cache that holds every package of package-lock.json, so that `npm ci` needs no network.
FROM verifywise-local/node:24

COPY npm-cache /npm-cache
# npm looks metadata up by address, so the address is the one the cache was filled from.
ARG NPM_REGISTRY
ENV npm_config_cache=/npm-cache npm_config_offline=true npm_config_registry=$NPM_REGISTRY
