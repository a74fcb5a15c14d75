import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../src/errors.ts';
import type { StageEvidence } from '../../src/observe/record.ts';
import { addReplica, runsOf, workingServers } from '../../src/observe/servers.ts';
import { topologies } from '../../src/report/markdown-topology.ts';
import type { StageSpec } from '../../src/scenario.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';
import { certificateFiles, pgBouncerIni } from '../../src/topology/pgbouncer-ini.ts';
import { assertReplicates, mayPrepare, planTopology, readVersion } from '../../src/topology/plan.ts';
import { buildResult } from './result-fixture.ts';

const stageWith = (topology: StageSpec['topology']): StageSpec => ({
  name: 'after',
  description: '',
  migrations: '001',
  profile: 'stock',
  ...(topology && { topology }),
});
const settings = (all: Record<string, string>) => ({
  settings: Object.entries(all).map(([name, value]) => ({ name, value, reason: '', source: '' })),
});
const target = (host: string): ConnectionTarget => ({ host, port: 1, user: 'u', database: 'd' });
const old = { version: '1.18.0', keepsStatements: false };
const recent = { version: '1.24.1', keepsStatements: true };

describe('planning a topology', () => {
  it.each([
    ['PgBouncer 1.18.0\nlibevent 2.1.12-stable', '1.18.0', false],
    ['PgBouncer 1.21.0\n', '1.21.0', true],
    ['PgBouncer 2.0.0', '2.0.0', true],
  ])('knows by the version whether statements may have names: %j', (text, version, keepsStatements) => {
    expect(readVersion(text)).toEqual({ version, keepsStatements });
  });

  it('knows no version of what says none', () => {
    expect(readVersion('command not found')).toBeUndefined();
  });

  it('leaves statements without names behind old versions, and where none are to be kept', () => {
    expect(mayPrepare({ replica: {} })).toBe(true);
    expect(mayPrepare({ pooler: old })).toBe(false);
    expect(mayPrepare({ pooler: recent })).toBe(true);
    expect(mayPrepare({ pooler: { ...recent, maxPreparedStatements: 0 } })).toBe(false);
  });

  it('says what is missing for it', () => {
    const embedded = { kind: 'embedded' } as const;
    const external = { kind: 'external', target: {} as ConnectionTarget } as const;
    const plan = (topology: StageSpec['topology'], server: typeof embedded | typeof external, found?: typeof old) =>
      planTopology(stageWith(topology), server, found);
    expect(plan(undefined, external)).toBeUndefined();
    expect(plan({ replica: {}, pooler: { poolSize: 3 } }, embedded, old)).toEqual({
      replica: {},
      pooler: { poolSize: 3, ...old },
    });
    expect(() => plan({ replica: {} }, external, old)).toThrow(EnvironmentError);
    expect(() => plan({ replica: {} }, external, old)).toThrow(/The stage after has a replica, .* --server external/);
    expect(plan({ pooler: {} }, external, old)).toEqual({ pooler: old });
    expect(() => plan({ pooler: {} }, embedded)).toThrow(/no program pgbouncer was found/);
  });

  it('refuses settings with which there can be no replica', () => {
    const replicated = stageWith({ replica: {} });
    expect(() => assertReplicates(replicated, settings({ wal_level: 'minimal', max_wal_senders: '0' }))).toThrow(
      'The stage after has a replica, and wal_level = minimal and max_wal_senders = 0, with which there can be none.',
    );
    assertReplicates(stageWith({ pooler: {} }), settings({ wal_level: 'minimal' }));
    assertReplicates(replicated, settings({ wal_level: 'logical', max_wal_senders: '1' }));
  });
});

describe('pgbouncer.ini', () => {
  const database = { host: "/tmp/it's here", port: 5, user: 'postgres', database: 'pgrehearse' };
  const base = { folder: '/tmp/x', databases: { pgrehearse: database }, statementTimeoutMs: 1500, clients: 12 };

  it('sends transactions to the server with the timeout that the load asks for', () => {
    const text = pgBouncerIni({ ...base, spec: { ...old, poolSize: 3, queryWaitTimeoutMs: 250 } });
    expect(text).toContain(
      "pgrehearse = host='/tmp/it''s here' port='5' user='postgres' dbname='pgrehearse' connect_query='SET statement_timeout = 1500'",
    );
    for (const line of ['pool_mode = transaction', 'default_pool_size = 3', 'query_wait_timeout = 0.25']) {
      expect(text.split('\n')).toContain(line);
    }
    // Nobody but the server's user gets in: it listens on no port of the network.
    expect(text).not.toContain('listen_addr');
    expect(text.split('\n')).toContain('server_tls_sslmode = disable');
  });

  it.each([
    ['any certificate', { rejectUnauthorized: false }, ['server_tls_sslmode = require'], {}],
    [
      'those of one authority',
      { rejectUnauthorized: true, ca: 'CA' },
      ['server_tls_sslmode = verify-full', 'server_tls_ca_file = /tmp/x/root.crt'],
      { '/tmp/x/root.crt': 'CA' },
    ],
    [
      'those that the machine trusts, and shows its own',
      { rejectUnauthorized: true, cert: 'CERT', key: 'KEY' },
      ['server_tls_cert_file = /tmp/x/client.crt', 'server_tls_key_file = /dev/fd/4'],
      { '/tmp/x/root.crt': 'A\nB', '/tmp/x/client.crt': 'CERT' },
    ],
  ])('takes from the server: %s', (_, ssl, lines, files) => {
    const configuration = { ...base, databases: { pgrehearse: { ...database, ssl } }, spec: old };
    const text = pgBouncerIni(configuration).split('\n');
    expect(text.filter((line) => line.startsWith('server_tls')).toSorted()).toEqual(
      expect.arrayContaining(lines.toSorted()),
    );
    expect(certificateFiles(configuration, ['A', 'B'])).toEqual(files);
    expect(JSON.stringify([text, files])).not.toContain('"KEY"');
  });

  it('keeps named statements from 1.21 on, which older versions would take for a misspelling', () => {
    expect(pgBouncerIni({ ...base, spec: old })).not.toContain('max_prepared_statements');
    expect(pgBouncerIni({ ...base, spec: recent })).toContain('max_prepared_statements = 200');
    const none = { ...recent, maxPreparedStatements: 0 };
    expect(pgBouncerIni({ ...base, spec: none })).toContain('max_prepared_statements = 0');
  });
});

describe('what the servers of a stage did', () => {
  const body = { statements: {}, run: async () => [] };
  const read = { name: 'read', body, onReplica: true as const };
  const write = { name: 'write', body };

  it('is looked for where it was done, past the pooler', () => {
    expect(workingServers({ connection: target('a') }, [read, write])).toEqual([
      { connection: target('a'), transactions: [read, write] },
    ]);
    const route = { connection: target('p'), direct: target('a'), replica: target('q'), directReplica: target('b') };
    const [primary, replica] = workingServers(route, [read, write]);
    expect(primary).toEqual({ connection: target('a'), transactions: [write] });
    expect(replica).toEqual({ connection: target('b'), transactions: [read] });
    expect(runsOf(replica!, new Map(Object.entries({ read: 5, write: 6 })))).toEqual(new Map([['read', 5]]));
  });

  it('counts reads of the replica, so that its indexes do not seem to serve nobody', () => {
    const table = { table: 't', seqScans: 1, seqRows: 10, indexScans: 0, inserted: 4 };
    const index = { table: 't', index: 'i', scans: 0, entriesRead: 0, bytes: 8 };
    const evidence = { tables: [{ ...table }], indexes: [{ ...index }] } as unknown as StageEvidence;
    const replica = {
      tables: [{ ...table, indexScans: 7, inserted: 0 }],
      indexes: [{ ...index, scans: 7, entriesRead: 9 }],
      costs: [{ transaction: 'read' }],
    } as unknown as StageEvidence;
    addReplica(evidence, replica);
    expect(evidence).toEqual({
      tables: [{ ...table, seqScans: 2, seqRows: 20, indexScans: 7 }],
      indexes: [{ ...index, scans: 7, entriesRead: 9 }],
      costs: [{ transaction: 'read' }],
    });
  });
});

it('is told in the report', () => {
  const { stages, blocks } = buildResult();
  const [stage, block] = [stages[0]!, blocks[0]!];
  expect(topologies({ stages, blocks })).toBe('');
  stage.topology = {
    replica: { transactions: ['dash|board'] },
    pooler: { version: '1.18.0', poolSize: 1, prepared: false },
  };
  block.replicaLag = { looks: 40, p50Ms: 0, p95Ms: 2, p99Ms: 90, maxMs: 1500, maxBytes: 2 ** 21 };
  block.pooler = { transactions: 1234, meanWaitUs: 3200 };
  expect(
    topologies({ stages, blocks: [block] })
      .split('\n')
      .slice(2),
  ).toEqual([
    `- ${stage.name}: a streaming replica carries out dash&#124;board; it lags by 0 ms (p50), 2 ms (p95), 90 ms (p99), 1.5 s and 2 MiB at most, in 40 looks`,
    `- ${stage.name}: PgBouncer 1.18.0 in transaction mode with 1 connection to each server, statements are parsed whenever they are sent; 1,234 transactions waited 3.2 ms for one on average`,
  ]);
  expect(topologies({ stages, blocks: [] })).toContain('its lag was not measured');
});
