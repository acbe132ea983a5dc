#!/bin/bash
# Creates the database from POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and POSTGRES_INITDB_ARGS on the first start, as the public image does.
set -euo pipefail

user="${POSTGRES_USER:-postgres}"
database="${POSTGRES_DB:-$user}"

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD must be set to create the database}"
  # The arguments are a list of words, so they are split on purpose.
  # shellcheck disable=SC2086
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
  printf 'host all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    # Single-user mode needs neither a port nor a password, so nobody can connect to a half-made database.
    printf 'CREATE DATABASE "%s"\n' "$database" | postgres --single -j -D "$PGDATA" postgres > /dev/null
  fi
fi

if [ "$1" = postgres ]; then
  shift
  set -- postgres -c 'listen_addresses=*' "$@"
fi
exec "$@"
