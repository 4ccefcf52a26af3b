/**
 * Recovery: the newest whole snapshot, then the records after it; and what to do about what is not whole. Nothing is changed
 * before it is known what is there, and nothing at all when the store is only to be read.
 */
import { readCatalog, type Catalog, type CatalogFile } from './catalog.ts';
import type { Files } from './files.ts';
import { headerBytes, StoreId } from './format.ts';
import type { KeptSnapshot } from './generations.ts';
import { StorageProblem, type RecoverySink } from './journal.ts';
import { moveAside } from './quarantine.ts';
import { readableRecords, readWhole, replay, type Damage, type Replayed } from './replay.ts';
import type { ClosedSegment } from './segments.ts';
import { snapshotDamage, snapshotParts } from './snapshot-file.ts';
import type { Log } from '../primitives/log.ts';

export interface RecoverOptions {
  readonly folder: string;
  readonly files: Files;
  readonly log: Log;
  readonly onCorruption: 'fail' | 'quarantine';
  readonly readOnly: boolean;
  readonly sink: RecoverySink;
}

export interface RecoveredStore {
  readonly storeId: StoreId;
  readonly snapshotPosition: number;
  readonly records: number;
  readonly recordBytes: number;
  readonly position: number;
  readonly lost: readonly string[];
  readonly closed: readonly ClosedSegment[];
  /** The segment that may be continued. */
  readonly tail: (ClosedSegment & { readonly end: number }) | undefined;
  readonly whole: readonly KeptSnapshot[];
  readonly damaged: readonly KeptSnapshot[];
}

interface ChosenSnapshots {
  /** Newest first. The first was verified, those after it were not read. */
  readonly whole: readonly CatalogFile[];
  readonly damaged: readonly { readonly file: CatalogFile; readonly why: string }[];
}

export async function recoverStore(options: RecoverOptions): Promise<RecoveredStore> {
  const { files, folder, log, sink, readOnly } = options;
  const catalog = await readCatalog(files, folder);
  if (!readOnly) for (const path of catalog.temporary) await files.remove(path);
  const snapshots = await chooseSnapshots(files, catalog);
  const newest = snapshots.whole[0];
  const storeId = idOf(newest) ?? catalog.segments.map(idOf).find((id) => id !== undefined) ?? new StoreId();
  const snapshotPosition = newest?.position ?? 0;
  if (newest !== undefined) await handOverSnapshot(files, newest, sink);
  const found = await replay({
    files,
    segments: catalog.segments,
    storeId,
    position: snapshotPosition,
    record: (position, record) => sink.record(position, record),
  });
  const replayed = { ...found, damage: found.damage ?? missingRecords(catalog, snapshots, found.position) };
  for (const what of replayed.covered) {
    log.warn('damage in records that the snapshot covers; nothing is lost', { what });
  }
  const lost = await settleDamage(options, { catalog, snapshots, replayed, storeId });
  if (replayed.torn !== undefined) await cutTorn(options, replayed.torn);
  return {
    storeId,
    snapshotPosition,
    records: replayed.records,
    recordBytes: replayed.recordBytes,
    position: replayed.position,
    lost,
    ...remaining(catalog, snapshots, replayed, options.onCorruption === 'quarantine'),
  };
}

async function chooseSnapshots(files: Files, { snapshots }: Catalog): Promise<ChosenSnapshots> {
  const damaged: { file: CatalogFile; why: string }[] = [];
  for (const [i, file] of snapshots.entries()) {
    const why = await damageOf(files, file);
    if (why === undefined) {
      const older = snapshots.slice(i + 1).filter(({ header }) => typeof header !== 'string');
      return { whole: [file, ...older], damaged };
    }
    damaged.push({ file, why });
  }
  return { whole: [], damaged };
}

/** A snapshot is begun only when the records it covers are safe; so when they cannot be read, they were there once. */
function missingRecords(
  catalog: Catalog,
  { damaged }: ChosenSnapshots,
  position: number,
): Damage | undefined {
  const newest = damaged[0];
  if (newest === undefined || newest.file.position <= position) return undefined;
  const { path } = newest.file;
  const why = `${newest.why}; it covered records up to ${newest.file.position}, and those after ${position} are nowhere else`;
  return { segment: catalog.segments.length, path, offset: 0, why };
}

export async function damageOf(files: Files, { path, header }: CatalogFile): Promise<string | undefined> {
  if (typeof header === 'string') return header;
  const file = await files.open(path, 'read');
  try {
    return await snapshotDamage(file, header.storeId.seed);
  } finally {
    await file.close();
  }
}

function idOf(file: CatalogFile | undefined): StoreId | undefined {
  return file === undefined || typeof file.header === 'string' ? undefined : file.header.storeId;
}

async function handOverSnapshot(files: Files, snapshot: CatalogFile, sink: RecoverySink): Promise<void> {
  const file = await files.open(snapshot.path, 'read');
  try {
    await sink.snapshot(snapshot.position, snapshotParts(file));
  } finally {
    await file.close();
  }
}

interface Findings {
  readonly catalog: Catalog;
  readonly snapshots: ChosenSnapshots;
  readonly replayed: Replayed;
  readonly storeId: StoreId;
}

/** Refuses the store or moves aside what is damaged, as the operator wishes. Returns what was lost, in words. */
async function settleDamage(options: RecoverOptions, findings: Findings): Promise<readonly string[]> {
  const { log, onCorruption, readOnly } = options;
  const { snapshots, replayed } = findings;
  const { damage } = replayed;
  if (damage === undefined) {
    for (const { file, why } of snapshots.damaged) {
      log.warn('the newest snapshot is damaged; the one before and the records after it lost nothing', {
        file: file.path,
        problem: why,
      });
    }
  } else if (onCorruption === 'fail' || readOnly) {
    throw new StorageProblem('corrupt', corruptMessage(damage, findings));
  }
  if (onCorruption === 'fail' || readOnly) return [];
  const lost = snapshots.damaged.map(({ file, why }) => `the snapshot ${file.path}: ${why}`);
  if (damage !== undefined) {
    const readable = await readableAfter(options, findings, damage);
    lost.push(
      `records from ${replayed.position + 1} on: ${damage.path} at offset ${damage.offset}: ${damage.why}; ` +
        `${readable} records after that can be read and were set aside with it`,
    );
  }
  if (lost.length === 0) return [];
  const into = await moveAside({
    files: options.files,
    folder: options.folder,
    snapshots: snapshots.damaged.map(({ file }) => file),
    segments: damage === undefined ? [] : findings.catalog.segments.slice(damage.segment),
    keepBytes: damage === undefined || damage.offset <= headerBytes ? 0 : damage.offset,
  });
  for (const what of lost) log.error('a damaged part of the store was moved aside', { what, into });
  return lost;
}

function corruptMessage(damage: Damage, { snapshots, replayed }: Findings): string {
  const also = snapshots.damaged.map(({ file, why }) => `; the snapshot ${file.path} is damaged too: ${why}`);
  return (
    `${damage.path} is damaged at offset ${damage.offset}: ${damage.why}${also.join('')}. Records up to ${replayed.position} ` +
    'are whole. Restore a backup of the folder, or start with --storage.on-corruption=quarantine, which moves the damaged ' +
    'files and what comes after them aside and goes on without them'
  );
}

async function readableAfter(options: RecoverOptions, findings: Findings, damage: Damage): Promise<number> {
  let records = 0;
  for (const segment of findings.catalog.segments.slice(damage.segment)) {
    const bytes = await readWhole(options.files, segment);
    const from = segment.path === damage.path ? Math.max(headerBytes, damage.offset) : headerBytes;
    records += readableRecords(bytes, from, findings.replayed.position + 1, findings.storeId);
  }
  return records;
}

async function cutTorn(options: RecoverOptions, torn: NonNullable<Replayed['torn']>): Promise<void> {
  const { files, log, readOnly } = options;
  log.warn('the journal ends in a commit that a crash cut short; nobody was told that it was safe', {
    file: torn.path,
    offset: torn.offset,
    bytes: torn.bytes,
  });
  if (readOnly) return;
  const file = await files.open(torn.path, 'write');
  try {
    await file.truncate(torn.offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

function remaining(
  catalog: Catalog,
  snapshots: ChosenSnapshots,
  { damage, tail, torn }: Replayed,
  movedAside: boolean,
): Pick<RecoveredStore, 'closed' | 'tail' | 'whole' | 'damaged'> {
  const closed: ClosedSegment[] = catalog.segments
    .slice(0, damage?.segment)
    .map(({ path, position, bytes }) => ({ path, first: position, bytes }));
  const cut = damage === undefined ? undefined : catalog.segments[damage.segment];
  if (cut !== undefined && damage !== undefined && damage.offset > headerBytes) {
    closed.push({ path: cut.path, first: cut.position, bytes: damage.offset });
  }
  const last = tail === undefined ? undefined : closed.pop();
  return {
    closed,
    tail:
      tail === undefined || last === undefined
        ? undefined
        : { ...last, end: tail.end, bytes: torn === undefined ? last.bytes : torn.offset },
    whole: snapshots.whole.map(kept),
    damaged: movedAside ? [] : snapshots.damaged.map(({ file }) => kept(file)),
  };
}

function kept({ path, position, bytes }: CatalogFile): KeptSnapshot {
  return { path, position, bytes };
}
