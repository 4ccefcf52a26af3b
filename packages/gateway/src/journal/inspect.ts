/** What is in a store, for the operator: everything is read, nothing is changed. */
import { findBlock, isSeal } from './block.ts';
import { readCatalog, type CatalogFile } from './catalog.ts';
import { nodeFiles, type Files } from './files.ts';
import { openFolder } from './folder.ts';
import { formatVersions, headerBytes, StoreId } from './format.ts';
import { takeLock } from './lock.ts';
import { storageProblemOf } from './problems.ts';
import { damageOf, missingEnd } from './recover.ts';
import { readWhole, replay, type Replayed } from './replay.ts';
import type { Log } from '../primitives/log.ts';

export interface StoreReport {
  readonly formatVersion: number;
  /** Hexadecimal; undefined when the folder holds no store. */
  readonly storeId: string | undefined;
  /** Newest first. */
  readonly snapshots: readonly SnapshotReport[];
  /** Oldest first. */
  readonly segments: readonly SegmentReport[];
  /** Of the last record that a start would recover. */
  readonly lastLogIndex: number;
  readonly totalBytes: number;
  /** Each with its file, place, and what is wrong. Empty when all is whole. */
  readonly damages: readonly string[];
  /** Bytes of a commit that a crash has cut short; no damage, and cut off at the next start. */
  readonly tornBytes: number;
}

interface SnapshotReport {
  readonly path: string;
  readonly logIndex: number;
  readonly bytes: number;
  readonly whole: boolean;
}

interface SegmentReport {
  readonly path: string;
  readonly first: number;
  /** Less than `first` when it holds no whole record. */
  readonly last: number;
  readonly bytes: number;
  /** Whole ones. */
  readonly blocks: number;
}

/** Takes the lock for as long as it reads; rejects with StorageProblem when a process has the store. */
export async function inspectStore(path: string, log: Log, files: Files = nodeFiles): Promise<StoreReport> {
  await openFolder(path, true, files);
  const lock = await takeLock(path, { log, readOnly: true });
  try {
    return await report(files, path);
  } catch (error) {
    throw storageProblemOf(`the store ${path} cannot be read`, error);
  } finally {
    await lock.release();
  }
}

async function report(files: Files, folder: string): Promise<StoreReport> {
  const catalog = await readCatalog(files, folder);
  const damages: string[] = [];
  const snapshots: SnapshotReport[] = [];
  const unreadable: { file: CatalogFile; why: string }[] = [];
  for (const file of catalog.snapshots) {
    const why = await damageOf(files, file);
    if (why !== undefined) {
      unreadable.push({ file, why });
      damages.push(`${file.path}: ${why}`);
    }
    snapshots.push({ path: file.path, logIndex: file.logIndex, bytes: file.bytes, whole: why === undefined });
  }
  const newest = snapshots.find(({ whole }) => whole);
  const storeId = idOf([
    ...catalog.snapshots.filter(({ path }) => path === newest?.path),
    ...catalog.segments,
  ]);
  const segments: SegmentReport[] = [];
  for (const file of catalog.segments) segments.push(await segmentReport(files, file, storeId));
  const reads = (logIndex: number): Promise<Replayed> =>
    replay({
      files,
      segments: catalog.segments,
      storeId: storeId ?? new StoreId(),
      logIndex,
      record: () => {},
    });
  const found = await reads(newest?.logIndex ?? 0);
  const recovered = { ...found, damage: found.damage ?? missingEnd(catalog, unreadable, found) };
  damages.push(...damagesOf(recovered));
  // Records that the newest snapshot covers are needed should it be damaged.
  const first = catalog.segments[0]?.logIndex ?? Infinity;
  if (newest !== undefined && first <= newest.logIndex) {
    damages.push(...damagesOf(await reads(first - 1)).filter((damage) => !damages.includes(damage)));
  }
  const all = [...catalog.snapshots, ...catalog.segments];
  return {
    formatVersion: formatVersions.segment,
    storeId: storeId?.text,
    snapshots,
    segments,
    lastLogIndex: recovered.logIndex,
    totalBytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    damages,
    tornBytes: recovered.torn?.bytes ?? 0,
  };
}

function damagesOf({ damage, covered }: Replayed): string[] {
  return damage === undefined
    ? [...covered]
    : [...covered, `${damage.path} at offset ${damage.offset}: ${damage.why}`];
}

function idOf(files: readonly CatalogFile[]): StoreId | undefined {
  for (const { header } of files) if (typeof header !== 'string') return header.storeId;
  return undefined;
}

async function segmentReport(
  files: Files,
  file: CatalogFile,
  storeId: StoreId | undefined,
): Promise<SegmentReport> {
  let last = file.logIndex - 1;
  let blocks = 0;
  if (storeId !== undefined) {
    const version = typeof file.header === 'string' ? formatVersions.segment : file.header.version;
    const format = { store: storeId, version };
    const bytes = await readWhole(files, file);
    let block = findBlock(bytes, headerBytes, format);
    while (block !== undefined) {
      if (!isSeal(block, format)) blocks += 1;
      last = Math.max(last, block.first + block.records - 1);
      block = findBlock(bytes, block.end, format);
    }
  }
  return { path: file.path, first: file.logIndex, last, bytes: file.bytes, blocks };
}
