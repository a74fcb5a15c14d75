import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { DockerSnapshots, listSnapshots } from '../../src/server/docker/snapshots.ts';

/** An engine that knows volumes and nothing else: each is a file with its label. Snapshots have 4.1 GB. */
const engine = `
cd "$(dirname "$0")/volumes"
case "$1 $2" in
  "volume create")
    label=; for last; do case $last in pgrehearse.snapshot=*) label=\${last#*=};; esac; done
    printf '%s' "$label" > "$last";;
  "volume ls") case "$*" in *label=pgrehearse.snapshot*) ls | grep pgrehearse-snapshot-................................ || :;; *) ls;; esac;;
  "volume inspect") for last; do :; done; cat "$last" 2>/dev/null || { echo "Error: no such volume: $last" >&2; exit 1; };;
  "volume rm") for last; do :; done; rm -f "$last";;
  "run "*) echo "4000000 /from";;
esac`;

const image = { name: 'postgres:18', id: 'sha256:1', mountPath: '/var/lib/postgresql', host: '127.0.0.1' };

const build = (store: DockerSnapshots, name: string) => store.build({ name }, () => Promise.resolve({ name }));
const names = async () =>
  (await listSnapshots()).map(({ details }) => String(details['name'])).toSorted((a, b) => (a < b ? -1 : 1));

describe.skipIf(process.platform === 'win32')('snapshots on a Docker engine', () => {
  let folder = '';
  const path = process.env['PATH'];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgrehearse-docker-'));
    await writeFile(join(folder, 'docker'), `#!/bin/sh\nmkdir -p "$(dirname "$0")/volumes"${engine}\n`, {
      mode: 0o755,
    });
    process.env['PATH'] = `${folder}${delimiter}${path}`;
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(folder, { recursive: true });
  });

  const storeOf = (limitBytes: number, notices: string[] = []) =>
    new DockerSnapshots(image, join(folder, 'cache'), { limitBytes, onNotice: (text) => notices.push(text) });

  it('go when they take more than they may, the oldest first, with their data', async () => {
    const notices: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      await using store = storeOf(8.5e9, notices);
      await build(store, name);
    }
    expect(await names()).toEqual(['second', 'third']);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(
      /^Dropped the snapshot [0-9a-f]{12} \(4.*\), the oldest, to keep the cache's limit of 8.*\.$/,
    );
    // A marker and its data each.
    expect(await readdir(join(folder, 'volumes'))).toHaveLength(4);
  });

  it('stay while a run with the same cache uses them', async () => {
    await using first = storeOf(4.5e9);
    await build(first, 'first');
    await using second = storeOf(4.5e9);
    await build(second, 'second');
    expect(await names()).toEqual(['first', 'second']);
    await first[Symbol.asyncDispose]();
    await build(second, 'third');
    expect(await names()).toEqual(['second', 'third']);
  });
});
