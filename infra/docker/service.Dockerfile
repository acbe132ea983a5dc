# One image for every process of the platform; docker-compose.yml says which one a container runs.
#   docker build --file infra/docker/service.Dockerfile --tag verifywise-plugin-platform .
# It needs no BuildKit. Where no npm registry can be reached, NPM_IMAGE is an image with a filled cache (local-images.sh).
ARG NODE_IMAGE=node:24-slim
ARG NPM_IMAGE

# Only the package.json files and the lock decide what is installed, so that a changed source line does not install again.
FROM ${NPM_IMAGE:-${NODE_IMAGE}} AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete \
  && find . -type d -empty -delete

FROM ${NPM_IMAGE:-${NODE_IMAGE}} AS packages
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
WORKDIR /app
# The files belong to root and the process does not run as root, so that it cannot change its own code.
COPY --from=packages /app ./
COPY . .
RUN node services/plugin-runner/build.ts && node infra/docker/pack-builtins.ts /app/builtin

# What Node makes of the sources when it first reads them is read instead by every start. It is told apart by who reads it, so that user makes
# it; then it belongs to root like everything else.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN install --directory --owner=node --group=node "$NODE_COMPILE_CACHE"
USER node
RUN node infra/docker/compile-services.ts
USER root
RUN chown --recursive root:root "$NODE_COMPILE_CACHE" && chmod --recursive a=rX "$NODE_COMPILE_CACHE"

# A volume that is mounted here belongs to the process, too.
RUN install --directory --owner=node --group=node --mode=0700 /data

ENV NODE_ENV=production HOST=0.0.0.0
USER node
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
