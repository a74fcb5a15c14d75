#!/bin/bash
# Stands in for the entrypoint of the official image, as far as --server docker needs it (documented at hub.docker.com/_/postgres):
# makes a data folder where there is none, by POSTGRES_PASSWORD and POSTGRES_INITDB_ARGS, then becomes the server.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Unquoted: several options in one variable.
  initdb -D "$PGDATA" --username=postgres --pwfile=<(echo "${POSTGRES_PASSWORD:?}") ${POSTGRES_INITDB_ARGS:-}
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\nunix_socket_directories = '/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
  # As the official one does, with the server's own arguments: a server that is up already, but not yet for others.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
