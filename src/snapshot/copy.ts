/** Copies folders: with reflinks where the file system has them, several files at once elsewhere. */
import { constants } from 'node:fs';
import { chown, copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What a copy may be told. */
export interface CopyOptions {
  signal?: AbortSignal;
  /** Called after each file with the bytes copied so far and the bytes in all. */
  onProgress?: (copiedBytes: number, totalBytes: number) => void;
  /** Names in the top folder that are left out. */
  skip?: readonly string[];
  /** Give everything to the owner of its original (needs root); without it, copies belong to us. */
  keepOwner?: boolean;
}

interface Entry {
  /** Path below the copied folder; '' is the folder itself. */
  path: string;
  kind: 'folder' | 'file' | 'link';
  bytes: number;
  mode: number;
  uid: number;
  gid: number;
}

/** Copies in flight: more than the two or four that a disk needs cost nothing, and libuv has four threads by default. */
const parallelCopies = 4;

/**
 * Copies the folder `from` to `to`, which must not exist.
 * @returns bytes copied
 * @throws the file system's error, or the signal's reason; what was copied so far is left for the caller to remove.
 */
export async function copyTree(from: string, to: string, options: CopyOptions = {}): Promise<number> {
  const entries = await listTree(from, options.skip);
  const owner = options.keepOwner ? chown : undefined;
  for (const entry of entries.filter(({ kind }) => kind === 'folder')) {
    await mkdir(join(to, entry.path), { mode: entry.mode });
    await owner?.(join(to, entry.path), entry.uid, entry.gid);
  }
  for (const entry of entries.filter(({ kind }) => kind === 'link')) {
    await symlink(await readlink(join(from, entry.path)), join(to, entry.path));
  }
  // Largest first, so that the last copies to end are short ones.
  const files = entries.filter(({ kind }) => kind === 'file').sort((a, b) => b.bytes - a.bytes);
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let copiedBytes = 0;
  const queue = files.values();
  const worker = async (): Promise<void> => {
    for (const file of queue) {
      options.signal?.throwIfAborted();
      const target = join(to, file.path);
      await copyFile(join(from, file.path), target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await owner?.(target, file.uid, file.gid);
      copiedBytes += file.bytes;
      options.onProgress?.(copiedBytes, totalBytes);
    }
  };
  await Promise.all(Array.from({ length: parallelCopies }, worker));
  return totalBytes;
}

/** Every folder, file and link below a folder, itself first, parents before children. */
export async function listTree(root: string, skip: readonly string[] = []): Promise<Entry[]> {
  const entries: Entry[] = [];
  const visit = async (folder: string): Promise<void> => {
    entries.push(await describe(root, folder));
    for (const item of await readdir(folder, { withFileTypes: true })) {
      if (folder === root && skip.includes(item.name)) continue;
      const path = join(folder, item.name);
      if (item.isDirectory()) await visit(path);
      else if (item.isFile() || item.isSymbolicLink()) entries.push(await describe(root, path));
    }
  };
  await visit(root);
  return entries;
}

async function describe(root: string, path: string): Promise<Entry> {
  const info = await lstat(path);
  const kind = info.isDirectory() ? 'folder' : info.isSymbolicLink() ? 'link' : 'file';
  return {
    path: relative(root, path),
    kind,
    bytes: kind === 'file' ? info.size : 0,
    mode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
  };
}
