#!/usr/bin/env bash
# Makes the base images of docker-compose.yml where no image registry can be reached: Debian 13 by debootstrap, RabbitMQ 4.0,
# PostgreSQL 17 and Valkey 8 from its packages, Node 24 from node_modules. Run it again at any time: what is there is kept.
# The last lines of its output are the variables that make docker-compose.yml and the tests use these images.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here="$repository/infra/docker/local-images"
cache="$repository/.local/docker"
base=verifywise-local/debian:trixie

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# The machine's own package mirror is certainly reachable from here; Debian's public one may not be.
debian_mirror() {
  if [ -n "${DEBIAN_MIRROR:-}" ]; then
    printf '%s\n' "$DEBIAN_MIRROR"
    return
  fi
  # Ubuntu has other packages, and Debian's updates other archives: only what calls itself Debian and a release counts.
  apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 !~ /-(security|updates|backports)$/ { print $3; exit }'
}

make_base() {
  if docker image inspect "$base" > /dev/null 2>&1; then
    say "$base is there"
    return
  fi
  [ "$(id -u)" = 0 ] || fail 'Making the base image needs root, because debootstrap does.'
  command -v debootstrap > /dev/null || fail 'debootstrap is missing: apt-get install debootstrap'
  local mirror folder
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || fail 'No Debian mirror among the package sources of this machine: set DEBIAN_MIRROR to the address of one.'
  folder=$(mktemp -d "${TMPDIR:-/tmp}/verifywise-debootstrap.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant, not of later
  trap "rm -rf '$folder'" EXIT
  say "$base: debootstrap of Debian 13, about half a minute"
  nice -n 10 debootstrap --variant=minbase trixie "$folder" "$mirror" > "$folder.log" 2>&1 || {
    tail -n 20 "$folder.log" >&2
    rm -f "$folder.log"
    fail 'debootstrap failed; its last words are above.'
  }
  rm -f "$folder.log"
  # Packages must not start their services while an image is built.
  printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
  chmod +x "$folder/usr/sbin/policy-rc.d"
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
  tar -C "$folder" -c . | docker import --change 'CMD ["bash"]' - "$base" > /dev/null
}

# Builds from a tar archive on standard input, so that an image sees only the files that it needs. The host's network is used,
# because a package mirror that the machine reaches need not be reachable through a bridge.
build() {
  local name=$1 dockerfile=$2
  shift 2
  say "$name: docker build"
  nice -n 10 docker build --quiet --network host --tag "$name" --file "$dockerfile" "$@" - > /dev/null
}

make_backing() {
  tar -C "$here" -c rabbitmq.Dockerfile | build verifywise-local/rabbitmq:4 rabbitmq.Dockerfile
  tar -C "$here" -c postgres.Dockerfile postgres-entrypoint.sh | build verifywise-local/postgres:17 postgres.Dockerfile
  tar -C "$here" -c valkey.Dockerfile | build verifywise-local/valkey:8 valkey.Dockerfile
}

make_node() {
  local node="$repository/node_modules/node/bin/node" npm
  [ -x "$node" ] || fail 'Node 24 is missing in node_modules: run npm ci first.'
  npm=$(cd "$(dirname "$(readlink -f "$(command -v npm)")")/.." && pwd)
  [ "$(basename "$npm")" = npm ] || fail "The npm on PATH is not a folder of the npm package ($npm)."
  tar -c -C "$here" node.Dockerfile -C "$(dirname "$node")" node -C "$(dirname "$npm")" npm |
    build verifywise-local/node:24 node.Dockerfile
}

# The files that decide what npm installs, each ended by a zero byte.
package_files() {
  (cd "$repository" && find . \( -name node_modules -o -name .local -o -name .git -o -name dist \) -prune -o \
    \( -name package.json -o -name package-lock.json -o -name .npmrc \) -print0 | sort -z)
}

# `npm ci` in an empty copy of the workspaces fills a cache with exactly the packages of the images.
fill_npm_cache() {
  local stamp folder
  stamp=$(cd "$repository" && package_files | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$cache/npm-cache.stamp" 2> /dev/null || true)" = "$stamp" ]; then
    say 'the npm cache is there'
    return
  fi
  say 'npm cache: npm ci of the packages that the services need'
  mkdir -p "$cache"
  folder=$(mktemp -d "$cache/npm-ci.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant, not of later
  trap "rm -rf '$folder'" EXIT
  rm -rf "$cache/npm-cache"
  (
    package_files | tar -C "$repository" -c --null --files-from - | tar -x -C "$folder"
    cd "$folder"
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --cache "$cache/npm-cache" >&2
  )
  rm -rf "$folder" "$cache/npm-cache/_logs"
  printf '%s\n' "$stamp" > "$cache/npm-cache.stamp"
}

make_npm() {
  fill_npm_cache
  tar -c -C "$here" npm.Dockerfile -C "$cache" npm-cache |
    build verifywise-local/npm:24 npm.Dockerfile --build-arg "NPM_REGISTRY=$(cd "$repository" && npm config get registry)"
}

docker version > /dev/null 2>&1 || fail 'No Docker engine answers: start it first (dockerd, or the docker service).'
make_base
case "${1:-all}" in
  backing) make_backing ;;
  all)
    make_backing
    make_node
    make_npm
    printf '%s\n' NODE_IMAGE=verifywise-local/node:24 NPM_IMAGE=verifywise-local/npm:24
    ;;
  *) fail "usage: $0 [all|backing]" ;;
esac
printf '%s\n' RABBITMQ_IMAGE=verifywise-local/rabbitmq:4 POSTGRES_IMAGE=verifywise-local/postgres:17 REDIS_IMAGE=verifywise-local/valkey:8
