/** What is done to files of segments when no records are being written to them. */
import { join } from 'node:path';

import { sealBytes, sealOf } from './block.ts';
import { withDescriptors, type Files, type StoreFile } from './files.ts';
import { headerBytes, headName, nextSegmentName, segmentName, writeSegmentHeader } from './format.ts';
import type { StoreId } from './format.ts';

interface StorePlace {
  readonly files: Files;
  readonly folder: string;
  readonly storeId: StoreId;
}

/** Says in the folder which segment is the last one. */
export async function markHead(files: Files, folder: string, first: number): Promise<void> {
  const file = await withDescriptors(() => files.open(join(folder, headName(first)), 'create'));
  await file.close();
  await withDescriptors(() => files.syncFolder(folder));
}

/** An empty segment, sealed, for records to go on from when there is none that they could follow. */
export async function beginAt(
  { files, folder, storeId }: StorePlace,
  writer: string,
  first: number,
): Promise<{ readonly path: string; readonly first: number; readonly bytes: number }> {
  const temporary = join(folder, nextSegmentName(writer, 0));
  const file = await files.open(temporary, 'create');
  const bytes = headerBytes + sealBytes;
  try {
    await file.write(writeSegmentHeader(storeId, { logIndex: first, allocated: bytes, writer }), 0);
    await file.write(sealOf(storeId, first, first - 1), headerBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  const path = join(folder, segmentName(first));
  await files.renameNew(temporary, path);
  await files.syncFolder(folder);
  return { path, first, bytes };
}

/** Seals a segment at `offset`, after the record at `logIndex`, and gives back what lies behind; returns its length. */
export async function sealAt(
  { files, storeId }: Pick<StorePlace, 'files' | 'storeId'>,
  { path, offset, logIndex }: { readonly path: string; readonly offset: number; readonly logIndex: number },
): Promise<number> {
  await withFile(files, path, async (file) => {
    await file.write(sealOf(storeId, logIndex + 1, logIndex), offset);
    await file.sync();
    await file.truncate(offset + sealBytes);
    await file.sync();
  });
  return offset + sealBytes;
}

/** The file ends at `bytes` then, for certain. */
export async function cutAt(files: Files, path: string, bytes: number): Promise<number> {
  await withFile(files, path, async (file) => {
    await file.truncate(bytes);
    await file.sync();
  });
  return bytes;
}

/** The file ends at `bytes` then, unless the power fails. */
export async function truncateTo(files: Files, path: string, bytes: number): Promise<void> {
  await withFile(files, path, (file) => file.truncate(bytes));
}

/** What was written to the file, by whomever, is committed then. */
export async function syncFile(files: Files, path: string): Promise<void> {
  await withFile(files, path, (file) => file.sync());
}

async function withFile(files: Files, path: string, work: (file: StoreFile) => Promise<void>): Promise<void> {
  const file = await withDescriptors(() => files.open(path, 'write'));
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
