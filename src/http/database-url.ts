/** The database of a stage as a service is told of it. */
import type { ConnectionTarget } from '../server/server.ts';

/** A `postgres://` URL as every driver reads it (PostgreSQL manual, section "Connection URIs"). */
export function databaseUrl({ host, port, user, password, database, ssl }: ConnectionTarget): string {
  const socket = host.startsWith('/');
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const address = socket ? '' : host.includes(':') ? `[${host}]` : host;
  const url = `postgres://${encodeURIComponent(user)}${secret}@${address}:${port}/${encodeURIComponent(database)}`;
  const parameters = new URLSearchParams();
  if (socket) parameters.set('host', host);
  if (ssl) parameters.set('sslmode', ssl.rejectUnauthorized ? 'verify-full' : 'require');
  return parameters.size === 0 ? url : `${url}?${parameters.toString()}`;
}
