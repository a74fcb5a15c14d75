/** What we read of a data folder whose server is down, from global/pg_control (PostgreSQL's catalog/pg_control.h). */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError } from '../errors.ts';

export const controlFile = join('global', 'pg_control');

/** DB_SHUTDOWNED; `state` has stood at this offset since PostgreSQL 8.1. */
const shutDown = 1;
const stateOffset = 16;

/** Location of the last checkpoint record, and in its copy the timeline; at these offsets since PostgreSQL 11. */
const checkpointOffset = 32;
const timelineOffset = 48;

/** initdb's default, which we never change. */
const walSegmentBytes = 16n * 2n ** 20n;
const segmentsPerFileId = 2n ** 32n / walSegmentBytes;

/** @throws EnvironmentError when the server of this data folder was not shut down cleanly */
export async function assertShutDown(dataDir: string): Promise<void> {
  const control = await readControlFile(dataDir);
  if (control.readInt32LE(stateOffset) === shutDown) return;
  throw new EnvironmentError('The server did not shut down cleanly while a snapshot was built, so it is not kept.', {
    hint: 'Run again; if it happens again, look for a killed process or a full disk.',
  });
}

/** No checkpoint record is longer than a page of WAL; where one begins just before the end of its segment, the next one holds the rest. */
const longestRecordBytes = 8192n;

/**
 * Removes the WAL segments that a cleanly shut down server does not need to start: all but the one with the shutdown's
 * checkpoint, or the two. A busy server keeps gigabytes of them, used and renamed for the future, and every clone would copy them.
 */
export async function pruneWal(dataDir: string): Promise<void> {
  const needed = await checkpointSegments(dataDir);
  const folder = join(dataDir, 'pg_wal');
  const segments = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  if (!segments.includes(needed[0]!)) return;
  for (const segment of segments.filter((name) => !needed.includes(name))) await rm(join(folder, segment));
}

/** The segments that the checkpoint record may lie in, by their file names. */
async function checkpointSegments(dataDir: string): Promise<string[]> {
  const control = await readControlFile(dataDir);
  const checkpoint = control.readBigUInt64LE(checkpointOffset);
  const timeline = BigInt(control.readUInt32LE(timelineOffset));
  const places = new Set([checkpoint, checkpoint + longestRecordBytes].map((place) => place / walSegmentBytes));
  return [...places].map((segment) => segmentName(timeline, segment));
}

function segmentName(timeline: bigint, segment: bigint): string {
  const parts = [timeline, segment / segmentsPerFileId, segment % segmentsPerFileId];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
}

async function readControlFile(dataDir: string): Promise<Buffer> {
  await using file = await open(join(dataDir, controlFile), 'r');
  const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
  return buffer;
}
