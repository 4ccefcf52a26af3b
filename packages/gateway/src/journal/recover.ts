/**
 * Recovery: the newest whole snapshot, then the records after it; and what to do about what is not whole. Nothing is changed
 * before it is known what is there, and nothing at all when the store is only to be read.
 */
import { join } from 'node:path';

import { isSeal, readBlock, sealBytes } from './block.ts';
import { readCatalog, type Catalog, type CatalogFile } from './catalog.ts';
import { isFull, messageOf, type Files } from './files.ts';
import type { ChosenSnapshots, Findings, RecoverOptions } from './findings.ts';
import { segmentName, StoreId } from './format.ts';
import type { KeptSnapshot } from './generations.ts';
import { StorageProblem, type RecoverySink } from './journal.ts';
import { setAside } from './quarantine.ts';
import { replay, type Damage, type Replayed, type SegmentEnd } from './replay.ts';
import { cutAt, markHead, sealAt, syncFile } from './segment-files.ts';
import type { ClosedSegment } from './segments.ts';
import { snapshotDamage, snapshotParts } from './snapshot-file.ts';

export interface RecoveredStore {
  readonly storeId: StoreId;
  readonly snapshotLogIndex: number;
  readonly records: number;
  readonly recordBytes: number;
  readonly logIndex: number;
  readonly lost: readonly string[];
  /** Oldest first. None of them is continued: each process writes to segments of its own. */
  readonly closed: readonly ClosedSegment[];
  readonly heads: readonly number[];
  readonly whole: readonly KeptSnapshot[];
  readonly damaged: readonly KeptSnapshot[];
}

/**
 * Whether whoever wrote to the store before has closed it, so that nobody can be adding to it. Cheap: the store may be read again
 * a moment later, and then in earnest.
 */
export async function hasEndedWell(files: Files, folder: string): Promise<boolean> {
  const { segments, temporary } = await readCatalog(files, folder);
  const last = segments.at(-1);
  if (last === undefined || temporary.length > 0) return temporary.length === 0;
  if (typeof last.header === 'string' || last.header.version === 1) return false;
  const file = await files.open(last.path, 'read');
  try {
    const bytes = Buffer.alloc(sealBytes);
    const format = { store: last.header.storeId, version: last.header.version };
    const read = await file.read(bytes, Math.max(0, last.bytes - sealBytes));
    const block = readBlock(bytes.subarray(0, read), 0, format);
    return typeof block !== 'string' && isSeal(block, format);
  } finally {
    await file.close();
  }
}

export async function recoverStore(options: RecoverOptions): Promise<RecoveredStore> {
  const { files, folder, log, sink, readOnly } = options;
  const catalog = await readCatalog(files, folder);
  if (!readOnly) for (const path of catalog.temporary) await files.remove(path);
  const snapshots = await chooseSnapshots(files, catalog);
  const newest = snapshots.whole[0];
  const storeId = idOf(newest) ?? catalog.segments.map(idOf).find((id) => id !== undefined) ?? new StoreId();
  const snapshotLogIndex = newest?.logIndex ?? 0;
  if (newest !== undefined) await handOverSnapshot(files, newest, sink);
  const found = await replay({
    files,
    segments: catalog.segments,
    storeId,
    logIndex: snapshotLogIndex,
    record: (logIndex, record) => sink.record(logIndex, record),
  });
  const replayed = { ...found, damage: found.damage ?? missingEnd(catalog, snapshots.damaged, found) };
  for (const what of replayed.covered) {
    log.warn('corruption in records that are covered by the snapshot; nothing is lost', { what });
  }
  const findings: Findings = { catalog, snapshots, replayed, storeId };
  refuseDamage(options, findings);
  tellTorn(options, replayed);
  const kept = readOnly ? { ...keptOf(findings), lost: [] } : await settled(options, findings);
  const { records, recordBytes, logIndex } = replayed;
  return { storeId, snapshotLogIndex, records, recordBytes, logIndex, ...kept };
}

/** What is left of the store, and how it goes on. */
type Kept = Pick<RecoveredStore, 'closed' | 'heads' | 'whole' | 'damaged' | 'lost'>;

/** Puts the store in order: what is damaged goes aside, what is whole is committed and says where it ends. */
async function settled(options: RecoverOptions, findings: Findings): Promise<Kept> {
  const { files, folder } = options;
  const { replayed, storeId } = findings;
  const lost = options.onCorruption === 'quarantine' ? await setAside(options, findings) : undefined;
  const { whole, damaged, ...rest } = keptOf(findings);
  const closed = lost === undefined ? [...rest.closed] : [...lost.closed];
  const heads = lost === undefined ? [...rest.heads] : [...lost.heads];
  // A process that was killed may have left what no disk has seen, and what was copied here is no safer.
  for (const { path } of [...closed, ...whole]) await syncFile(files, path);
  if (replayed.last !== undefined && lost?.movedSegments !== true) {
    const end = await sealLast(options, replayed.last, storeId);
    const last = closed.pop();
    if (last !== undefined) closed.push({ ...last, bytes: end ?? last.bytes });
  }
  await files.syncFolder(folder);
  const last = closed.at(-1)?.first;
  if (last !== undefined && heads.at(-1) !== last) {
    await markHead(files, folder, last).catch((error: unknown) => {
      if (!isFull(error)) throw error;
    });
    heads.push(last);
  }
  return { closed, heads, whole, damaged: lost === undefined ? damaged : [], lost: lost?.what ?? [] };
}

/**
 * Ends the last segment where its records end, so that what a crash has left there is never read again. Returns its length, or
 * undefined when it stays as it is.
 */
async function sealLast(
  { files, log }: RecoverOptions,
  last: SegmentEnd,
  storeId: StoreId,
): Promise<number | undefined> {
  try {
    if (last.version === 1) {
      // Its version knows no seals; it is just cut.
      return last.sealed ? undefined : await cutAt(files, last.path, last.offset);
    }
    return last.sealed ? undefined : await sealAt({ files, storeId }, last);
  } catch (error) {
    if (!isFull(error)) throw error;
    // The segment that follows will say where this one ends, too.
    log.warn('no space to close the last segment', { file: last.path, error: messageOf(error) });
    return undefined;
  }
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

/**
 * What the names in the folder say must be there after the last record that is. A snapshot gets its name only when all records up
 * to its log index are committed, and a head when its segment is.
 */
export function missingEnd(
  { folder, segments, heads, snapshots }: Catalog,
  damagedSnapshots: ChosenSnapshots['damaged'],
  { last, logIndex }: Replayed,
): Damage | undefined {
  const after = last?.logIndex;
  const head = heads.at(-1) ?? 0;
  if (head > (segments.at(-1)?.logIndex ?? 0)) {
    const path = join(folder, segmentName(head));
    const why = `the file is missing, and with it the records from ${head} on`;
    return { segment: segments.length, path, offset: 0, why, after };
  }
  const newest = snapshots[0];
  if (newest === undefined || newest.logIndex <= (after ?? 0)) return undefined;
  const all = `the snapshot ${newest.name} covers records up to ${newest.logIndex}`;
  const unreadable = damagedSnapshots.find(({ file }) => file === newest);
  if (unreadable !== undefined) {
    const lost = `it covered records up to ${newest.logIndex}, and there is no other copy of those after ${logIndex}`;
    const why = `${unreadable.why}; ${lost}`;
    return { segment: segments.length, path: newest.path, offset: 0, why, after };
  }
  if (last === undefined) {
    const why = `the journal has no segments, but ${all}`;
    return { segment: 0, path: newest.path, offset: 0, why, after };
  }
  const why = `the journal ends with record ${last.logIndex}, but ${all}`;
  return { segment: segments.length - 1, path: last.path, offset: last.offset, why, after };
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
    await sink.snapshot(snapshot.logIndex, snapshotParts(file));
  } finally {
    await file.close();
  }
}

/** Throws when the store is damaged and the operator has not said to go on without what is. */
function refuseDamage({ log, onCorruption, readOnly }: RecoverOptions, findings: Findings): void {
  const { damage } = findings.replayed;
  if (damage !== undefined && (onCorruption === 'fail' || readOnly))
    throw new StorageProblem('corrupt', corruptMessage(damage, findings));
  if (damage !== undefined) return;
  for (const { file, why } of findings.snapshots.damaged) {
    log.warn(
      'the newest snapshot is corrupted; recovered from the previous one and the records after it, nothing is lost',
      {
        file: file.path,
        problem: why,
      },
    );
  }
}

function corruptMessage(damage: Damage, { snapshots, replayed }: Findings): string {
  const also = snapshots.damaged.map(
    ({ file, why }) => `; the snapshot ${file.path} is corrupted too: ${why}`,
  );
  return (
    `${damage.path} is corrupted at offset ${damage.offset}: ${damage.why}${also.join('')}. Records up to ${replayed.logIndex} ` +
    'are intact. Restore a backup, or start with --storage.on-corruption=quarantine, which moves the corrupted ' +
    'files and everything after them aside and continues without them'
  );
}

function tellTorn({ log }: RecoverOptions, { torn }: Replayed): void {
  if (torn === undefined) return;
  log.warn('the journal ends in an incomplete commit, due to a crash; it was never acknowledged', {
    file: torn.path,
    offset: torn.offset,
    bytes: torn.bytes,
  });
}

function keptOf({ catalog, snapshots }: Findings): Omit<Kept, 'lost'> {
  return {
    closed: catalog.segments.map(({ path, logIndex, bytes }) => ({ path, first: logIndex, bytes })),
    heads: catalog.heads,
    whole: snapshots.whole.map(kept),
    damaged: snapshots.damaged.map(({ file }) => kept(file)),
  };
}

function kept({ path, logIndex, bytes }: CatalogFile): KeptSnapshot {
  return { path, logIndex, bytes };
}
