/** Copies folders: with reflinks where the file system has them, several files at once elsewhere. */
import { constants } from 'node:fs';
import { chown, copyFile, lstat, mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What a copy may be told. */
export interface CopyOptions {
  signal?: AbortSignal;
  /** Called after each file with the bytes copied so far and the bytes in all. */
  onProgress?: (copiedBytes: number, totalBytes: number) => void;
  /** Whom the copies shall belong to (needs root); default: us. */
  owner?: { uid: number; gid: number };
  /** Wait until the copies lie on the disk, so that nothing is written back later; but for the small files of a server. */
  writeBack?: boolean;
}

/** An empty server has 1,300 files below this, 40 MB together: waiting for each takes longer than copying all. */
const writeBackBytes = 1e6;

interface Entry {
  /** Path below the copied folder; '' is the folder itself. */
  path: string;
  kind: 'folder' | 'file' | 'link';
  bytes: number;
  mode: number;
}

/** Copies in flight: more than the two or four that a disk needs cost nothing, and libuv has four threads by default. */
const parallelCopies = 4;

/**
 * Copies the folder `from` to `to`, which must not exist.
 * @returns bytes copied
 * @throws the file system's error, or the signal's reason; what was copied so far is left for the caller to remove.
 */
export async function copyTree(from: string, to: string, options: CopyOptions = {}): Promise<number> {
  const entries = await listTree(from);
  const { owner } = options;
  for (const entry of entries.filter(({ kind }) => kind === 'folder')) {
    await mkdir(join(to, entry.path), { mode: entry.mode });
    if (owner !== undefined) await chown(join(to, entry.path), owner.uid, owner.gid);
  }
  for (const entry of entries.filter(({ kind }) => kind === 'link')) {
    await symlink(await readlink(join(from, entry.path)), join(to, entry.path));
  }
  // Largest first, so that the last copies to end are short ones.
  const files = entries.filter(({ kind }) => kind === 'file').sort((a, b) => b.bytes - a.bytes);
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let copiedBytes = 0;
  await inParallel(files, async (file) => {
    options.signal?.throwIfAborted();
    const target = join(to, file.path);
    await copyFile(join(from, file.path), target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    if (owner !== undefined) await chown(target, owner.uid, owner.gid);
    // At once, so that the disk writes while other files are copied.
    if (options.writeBack && file.bytes >= writeBackBytes) await syncPath(target, 'r+');
    copiedBytes += file.bytes;
    options.onProgress?.(copiedBytes, totalBytes);
  });
  return totalBytes;
}

/** Every folder, file and link below a folder, itself first, parents before children. */
export async function listTree(root: string): Promise<Entry[]> {
  const visit = async (folder: string): Promise<Entry[]> => {
    const items = await readdir(folder, { withFileTypes: true });
    const inside = items.map(async (item) => {
      const path = join(folder, item.name);
      if (item.isDirectory()) return visit(path);
      return item.isFile() || item.isSymbolicLink() ? [await describe(root, path)] : [];
    });
    return [await describe(root, folder), ...(await Promise.all(inside)).flat()];
  };
  return visit(root);
}

/** Whether a file can be copied from here to there as a reflink, found by doing it once. */
export async function reflinks(file: string, target: string): Promise<boolean> {
  try {
    await copyFile(file, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    return false;
  } finally {
    await rm(target, { force: true });
  }
}

/** Makes every file and folder below a folder durable. */
export async function syncTree(root: string): Promise<void> {
  const entries = await listTree(root);
  await inParallel(
    entries.filter(({ kind }) => kind !== 'link'),
    async ({ path, kind }) => {
      // Windows cannot open folders, and needs no sync of them.
      if (kind === 'folder' && process.platform === 'win32') return;
      await syncPath(join(root, path), kind === 'folder' ? 'r' : 'r+');
    },
  );
}

async function syncPath(path: string, flags: 'r' | 'r+'): Promise<void> {
  await using handle = await open(path, flags);
  await handle.sync();
}

/** Works on several items at once. After a failure nothing new is begun, and it is thrown when nothing runs any more. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: parallelCopies }, worker));
  if (failures.length > 0) throw failures[0];
}

async function describe(root: string, path: string): Promise<Entry> {
  const info = await lstat(path);
  const kind = info.isDirectory() ? 'folder' : info.isSymbolicLink() ? 'link' : 'file';
  return {
    path: relative(root, path),
    kind,
    bytes: kind === 'file' ? info.size : 0,
    mode: info.mode & 0o7777,
  };
}
