import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { externalTarget, withoutPasswords } from '../../src/server/external/connection.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-connection-'));
  await writeFile(join(folder, 'root.crt'), 'PEM');
  await writeFile(
    join(folder, 'services'),
    '# comment\n[other]\nhost=wrong\n\n[shop]\nhost = db.example\nport=6000\nuser=from_service\npassword=a=b\n[last]\nport=1\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const target = (url: string, env: NodeJS.ProcessEnv = {}) => externalTarget(url, { HOME: folder, ...env }).target;

describe('a postgres:// URL', () => {
  it('says everything itself', () => {
    expect(target('postgres://me:p%40ss%2F@db.example:6543/shop?sslmode=disable', { PGHOST: 'other' })).toEqual({
      host: 'db.example',
      port: 6543,
      user: 'me',
      password: 'p@ss/',
      database: 'shop',
      ssl: false,
    });
  });

  it('leaves the rest to PG* variables, then to defaults', () => {
    const env = { PGHOST: '/run/postgresql', PGPORT: '5433', PGUSER: 'me', PGDATABASE: 'shop', PGPASSWORD: 'secret' };
    expect(target('postgres:///', env)).toEqual({
      host: '/run/postgresql',
      port: 5433,
      user: 'me',
      database: 'shop',
      password: 'secret',
      ssl: false,
    });
    const { username } = userInfo();
    expect(target('postgresql://')).toMatchObject({
      host: 'localhost',
      port: 5432,
      user: username,
      database: username,
    });
  });

  it.each(['postgres://me@/shop', 'postgres://me@/shop?port=5432', 'postgres://me@:5432/shop'])(
    'may do without a host: %s',
    (url) => {
      expect(target(url)).toMatchObject({ host: 'localhost', port: 5432, user: 'me', database: 'shop' });
    },
  );

  it('takes a service file between the URL and the variables', () => {
    const env = { PGSERVICEFILE: join(folder, 'services'), PGUSER: 'from_env', PGDATABASE: 'from_env' };
    expect(target('postgres://:7000?service=shop', env)).toMatchObject({
      host: 'db.example',
      port: 7000,
      user: 'from_service',
      password: 'a=b',
      database: 'from_env',
    });
    expect(target('postgres://', { ...env, PGSERVICE: 'last' })).toMatchObject({ host: 'localhost', port: 1 });
    expect(() => target('postgres://?service=none', env)).toThrow('There is no service "none"');
  });

  it.each(['', 'disable', 'require', 'verify-ca', 'verify-full'])('understands sslmode %s', (mode) => {
    const { target, alternative } = externalTarget(`postgres://db.example/?sslmode=${mode}`, { HOME: folder });
    const verifies = mode.startsWith('verify');
    if (mode === 'disable') expect(target.ssl).toBe(false);
    else expect(target.ssl).toMatchObject({ rejectUnauthorized: verifies });
    expect(alternative?.ssl).toBe(mode === '' ? false : undefined);
  });

  it('tries the plain way first with sslmode allow, and never encrypts a socket', () => {
    const allow = externalTarget('postgres://db.example/?sslmode=allow', {});
    expect([allow.target.ssl, allow.alternative?.ssl]).toEqual([false, { rejectUnauthorized: false }]);
    expect(target('postgres://%2Frun%2Fpostgresql/', { PGSSLMODE: 'require' })).toMatchObject({
      host: '/run/postgresql',
      ssl: false,
    });
  });

  it('verifies against the root certificate as soon as there is one', () => {
    const root = join(folder, 'root.crt');
    expect(target(`postgres://db.example/?sslmode=require&sslrootcert=${root}`).ssl).toEqual({
      rejectUnauthorized: true,
      ca: 'PEM',
    });
    expect(target('postgres://db.example/?sslmode=verify-full&sslrootcert=system').ssl).toEqual({
      rejectUnauthorized: true,
    });
  });

  it('finds the password in .pgpass, if only its owner can read it', async () => {
    const file = join(folder, '.pgpass');
    const lines = ['# comment', 'db.example:*:other:me:no', 'db.example:5432:shop:me:a\\:b\\\\c', '*:*:*:me:last'];
    await writeFile(file, lines.join('\n'));
    await chmod(file, 0o600);
    expect(target('postgres://me@db.example/shop').password).toBe('a:b\\c');
    expect(target('postgres://me@elsewhere/shop').password).toBe('last');
    expect(target('postgres://you@db.example/shop').password).toBeUndefined();
    expect(target('postgres://me@db.example/shop', { PGPASSWORD: 'env' }).password).toBe('env');
    await chmod(file, 0o640);
    expect(target('postgres://me@db.example/shop').password).toBeUndefined();
  });

  it.each([
    ['postgres://a,b/db', 'names several hosts'],
    ['postgres://me:secret@host:99999/db', 'cannot be read'],
    ['postgres://host/?sslmode=maybe', 'sslmode is "maybe"'],
    ['postgres://host/?target_session_attrs=any', 'target_session_attrs, which is not understood'],
    ['postgres://host/?sslmode=verify-full&sslrootcert=/nowhere', 'The root certificate /nowhere cannot be read'],
  ])('refuses %s', (url, message) => {
    let text = '';
    try {
      target(url);
    } catch (error) {
      text = `${String(error)} ${JSON.stringify(error)}`;
    }
    expect(text).toContain(message);
    expect(text).not.toContain('secret');
  });
});

it.each([
  ['run --server postgres://me:secret@host/db --json', 'run --server postgres://me:***@host/db --json'],
  ['postgresql://me:p@ss/word@host/db', 'postgresql://me:***@host/db'],
  ['postgres://host/db?user=me&password=secret&port=1', 'postgres://host/db?user=me&password=***&port=1'],
  ['postgres://me@host/db', 'postgres://me@host/db'],
  ['postgres://host:5432/db', 'postgres://host:5432/db'],
])('tells %s without the password', (text, told) => {
  expect(withoutPasswords(text)).toBe(told);
});
