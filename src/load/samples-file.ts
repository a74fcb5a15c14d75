/**
 * Raw samples on disk: one line of JSON (padded with spaces so that what follows is aligned), a line feed, then the columns one
 * after the other, little-endian, each padded to a multiple of eight bytes. Described for readers in docs/method.md.
 */
import { open, readFile } from 'node:fs/promises';
import { EnvironmentError, messageOf, UsageError } from '../errors.ts';
import type { BlockRecord } from './recorder.ts';
import { columnNames, columnTypes, never } from './samples.ts';
import type { ColumnName, Samples } from './samples.ts';

const format = 'pgrehearse-samples';
/** Version 1 had no `firstByteUs`. */
const version = 2;
const alignment = 8;

const units: Record<ColumnName, string> = {
  dueUs: 'us from the start of the block',
  latenessUs: 'us from dueUs',
  sentUs: 'us from dueUs; 4294967295 = never',
  firstByteUs: 'us from dueUs; 4294967295 = never',
  endUs: 'us from dueUs; the age where fate is 4',
  transaction: 'index into transactions',
  fate: '0 not offered, 1 succeeded, 2 failed, 3 timed out, 4 unfinished',
  error: '1-based index into errors; 0 = none',
  class: '1-based index into classes; 0 = none',
  retries: 'count',
};

const typeNames = { Float64Array: 'f64', Uint32Array: 'u32', Uint16Array: 'u16', Uint8Array: 'u8' } as const;

interface Header {
  format: string;
  version: number;
  count: number;
  block: BlockRecord;
  /** `offset` in bytes from the end of the header line. */
  columns: { name: ColumnName; type: string; unit: string; offset: number }[];
}

function padded(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

function headerOf(block: BlockRecord, samples: Samples): Buffer {
  let offset = 0;
  const columns = columnNames.map((name) => {
    const column = {
      name,
      type: typeNames[columnTypes[name].name as keyof typeof typeNames],
      unit: units[name],
      offset,
    };
    offset += padded(samples[name].byteLength);
    return column;
  });
  const header: Header = { format, version, count: samples.dueUs.length, block, columns };
  const json = Buffer.from(JSON.stringify(header));
  return Buffer.concat([json, Buffer.alloc(padded(json.length + 1) - json.length - 1, ' '), Buffer.from('\n')]);
}

/** @throws EnvironmentError when the file cannot be written */
export async function writeSamples(path: string, block: BlockRecord, samples: Samples): Promise<void> {
  try {
    await using file = await open(path, 'w');
    await file.writeFile(headerOf(block, samples));
    for (const name of columnNames) {
      const column = samples[name];
      // A copy: file writes do not take shared memory.
      const bytes = Buffer.alloc(padded(column.byteLength));
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
      await file.writeFile(bytes);
    }
  } catch (error) {
    throw new EnvironmentError(`The samples of block ${block.id} cannot be written to ${path}: ${messageOf(error)}`, {
      hint: 'Check that the output folder is writable and the disk has room.',
      cause: error,
    });
  }
}

/** @throws UsageError when the file cannot be read, is not one of ours, was cut short or was written by a newer version */
export async function readSamples(path: string): Promise<{ block: BlockRecord; samples: Samples }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError(`The samples in ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  const dataStart = bytes.indexOf('\n') + 1;
  const header = parseHeader(path, bytes.subarray(0, dataStart).toString());
  const columns = header.columns.map(({ name, offset }) => {
    const Column: new (buffer: ArrayBuffer) => Samples[ColumnName] = columnTypes[name];
    const length = header.count * columnTypes[name].BYTES_PER_ELEMENT;
    const start = dataStart + offset;
    if (start + length > bytes.length) {
      throw new UsageError(`The samples in ${path} are cut short.`, { hint: 'Copy the file again, or run again.' });
    }
    return [name, new Column(new Uint8Array(bytes.subarray(start, start + length)).buffer)];
  });
  const firstByteUs = new Uint32Array(header.count).fill(never);
  return { block: header.block, samples: { firstByteUs, ...Object.fromEntries(columns) } as Samples };
}

function parseHeader(path: string, line: string): Header {
  let header: Partial<Header> = {};
  try {
    header = JSON.parse(line) as Partial<Header>;
  } catch {
    // Told below, like any other file that is not one of ours.
  }
  if (header.format !== format) {
    throw new UsageError(`${path} is not a file of raw samples.`, { hint: 'Give a file that a run has written.' });
  }
  if (header.version === undefined || header.version > version) {
    throw new UsageError(`${path} has format version ${header.version}; this release reads up to version ${version}.`, {
      hint: 'Read it with the release of pgrehearse that wrote it.',
    });
  }
  return header as Header;
}
