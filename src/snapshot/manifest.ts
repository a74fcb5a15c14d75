/** What is written beside a snapshot's data, and the checks that it is whole. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controlFile } from './control-file.ts';
import { listTree } from './copy.ts';

/** Raised whenever an older reader would misread a newer snapshot. */
const formatVersion = 1;

/** Everything that shaped a snapshot's data: plain JSON. */
export type KeyParts = Record<string, unknown>;

export interface Manifest {
  formatVersion: number;
  key: string;
  parts: KeyParts;
  /** ISO 8601 in UTC. */
  createdAt: string;
  bytes: number;
  /** SHA-256 over path and size of every file, and over the control file. */
  inventory: string;
  /** Whatever the builder wants to know again. */
  details: Record<string, unknown>;
}

/** SHA-256 over the canonical JSON (sorted keys) of the format and the parts, in hexadecimal digits. */
export function snapshotKey(parts: KeyParts): string {
  return createHash('sha256').update(canonicalJson({ formatVersion, parts })).digest('hex');
}

/** JSON with the keys of every object sorted, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, withSortedKeys);
}

function withSortedKeys(_: string, item: unknown): unknown {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
  return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const manifestFile = 'manifest.json';

/** Reads a snapshot's manifest; undefined when it is missing or not readable as one of this format. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, manifestFile), 'utf8')) as Manifest;
    return manifest.formatVersion === formatVersion ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Path of the manifest, whose modification time says when the snapshot was last used. */
export function manifestPath(folder: string): string {
  return join(folder, manifestFile);
}

/** Measures the finished data folder and writes the manifest, durably. */
export async function writeManifest(
  folder: string,
  dataDir: string,
  content: Pick<Manifest, 'key' | 'parts' | 'details'>,
): Promise<Manifest> {
  const state = await takeInventory(dataDir);
  const createdAt = new Date().toISOString();
  const manifest: Manifest = { formatVersion, ...content, createdAt, ...state };
  await writeFile(manifestPath(folder), `${JSON.stringify(manifest, undefined, 2)}\n`, { flush: true });
  return manifest;
}

/** Whether the data folder is still what the manifest says: every file there with its size, the control file unchanged. */
export async function isWhole(dataDir: string, manifest: Manifest): Promise<boolean> {
  const state = await takeInventory(dataDir).catch(() => undefined);
  return state?.inventory === manifest.inventory;
}

async function takeInventory(dataDir: string): Promise<{ bytes: number; inventory: string }> {
  const files = (await listTree(dataDir)).filter(({ kind }) => kind !== 'folder');
  const hash = createHash('sha256').update(await readFile(join(dataDir, controlFile)));
  for (const { path, bytes } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) hash.update(`${path}\0${bytes}\n`);
  return { bytes: files.reduce((sum, file) => sum + file.bytes, 0), inventory: hash.digest('hex') };
}
