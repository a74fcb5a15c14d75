/** Encrypted connections by the rules of libpq, and passwords from where libpq finds them. */
import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../../src/database.ts';
import { externalTarget } from '../../src/server/external/connection.ts';
import { reachServer } from '../../src/server/external/survey.ts';
import { writeForServer } from '../../src/server/initdb.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { Pooler } from '../../src/topology/pgbouncer.ts';
import { findPgBouncer } from '../../src/topology/plan.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const openssl = (() => {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
})();

const pgBouncer = await findPgBouncer();

describe.skipIf(!openssl)('TLS and scram (needs openssl)', () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  let server: LocalServer;
  let plain: LocalServer;

  beforeAll(async () => {
    folder = resources.use(await temporaryFolder()).path;
    const [key, certificate] = [join(folder, 'made.key'), join(folder, 'server.crt')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate];
    execFileSync('openssl', ['req', ...made, ...names], { stdio: 'ignore' });
    await chmod(certificate, 0o644);
    await writeForServer(join(folder, 'server.key'), await readFile(key, 'utf8'));
    plain = resources.use(await startTestServer());
    server = resources.use(
      await startTestServer({ ssl: true, ssl_cert_file: certificate, ssl_key_file: join(folder, 'server.key') }),
    );
    await withClient(server.connection(), (client) => client.query(`CREATE ROLE tls LOGIN PASSWORD 'secret'`));
    await withClient(plain.connection(), (client) => client.query(`CREATE ROLE tls LOGIN PASSWORD 'secret'`));
  });
  afterAll(() => resources.disposeAsync());

  async function reach(to: LocalServer, query: string, host = 'localhost'): Promise<boolean> {
    const { port } = to.loopbackConnection('postgres');
    const url = `postgres://tls:secret@${host}:${port}/postgres?${query}`;
    const target = await reachServer(externalTarget(url, { HOME: folder }));
    return withClient(target, async (client) => {
      const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      return rows[0]!.ssl;
    });
  }

  it.skipIf(pgBouncer === undefined)('is what PgBouncer has in front of it, with secrets on no path', async () => {
    const { port } = server.loopbackConnection('postgres');
    const [root, key] = [join(folder, 'server.crt'), join(folder, 'made.key')];
    const query = `sslmode=verify-full&sslrootcert=${root}&sslcert=${root}&sslkey=${key}`;
    const { target } = externalTarget(`postgres://tls:secret@localhost:${port}/postgres?${query}`, { HOME: folder });
    await using pooler = await Pooler.start({
      spec: pgBouncer!,
      stage: 'after',
      cacheDir: join(folder, 'cache'),
      databases: { it: target },
      statementTimeoutMs: 1000,
      clients: 10,
    });
    const through = pooler.connection('it');
    const { rows } = await withClient(through, (client) =>
      client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'),
    );
    expect(rows).toEqual([{ ssl: true }]);
    expect((await readdir(through.host)).filter((name) => !name.startsWith('.s.')).toSorted()).toEqual([
      'client.crt',
      'root.crt',
    ]);
  });

  it('is used where it is there, and done without where it is not', async () => {
    expect(await reach(server, '')).toBe(true);
    expect(await reach(plain, '')).toBe(false);
    expect(await reach(server, 'sslmode=allow')).toBe(false);
    expect(await reach(server, 'sslmode=disable')).toBe(false);
  });

  it('is demanded by require, without a look at the certificate', async () => {
    expect(await reach(server, 'sslmode=require')).toBe(true);
    await expect(reach(plain, 'sslmode=require')).rejects.toThrow('does not support SSL');
  });

  it('is verified by verify-full: authority and name', async () => {
    const root = `sslrootcert=${join(folder, 'server.crt')}`;
    expect(await reach(server, `sslmode=verify-full&${root}`)).toBe(true);
    await expect(reach(server, `sslmode=verify-full&${root}`, '127.0.0.1')).rejects.toThrow(/altnames|IP/);
    await expect(reach(server, 'sslmode=verify-full')).rejects.toThrow(/self-signed/);
  });

  it('takes the password from PGPASSFILE, and refuses a wrong one', async () => {
    const { port } = server.loopbackConnection('postgres');
    const file = join(folder, 'pgpass');
    await writeFile(file, `localhost:${port}:*:tls:secret\n`, { mode: 0o600 });
    const url = `postgres://tls@localhost:${port}/postgres`;
    await expect(reachServer(externalTarget(url, { PGPASSFILE: file }))).resolves.toMatchObject({ user: 'tls' });
    await expect(reachServer(externalTarget(url.replace('tls@', 'tls:wrong@'), {}))).rejects.toThrow(
      'password authentication failed',
    );
  });
});
