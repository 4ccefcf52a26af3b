/** Moves damaged files out of the way and keeps them, for whoever wants to look at what can still be read. */
import { basename, join } from 'node:path';

import type { CatalogFile } from './catalog.ts';
import { formatVersions, headerBytes, headName } from './format.ts';
import type { Findings, RecoverOptions } from './findings.ts';
import { readableRecords, readWhole, type Damage, type SegmentEnd } from './replay.ts';
import { beginAt, cutAt, sealAt, syncFile } from './segment-files.ts';
import type { ClosedSegment } from './segments.ts';

interface SetAside {
  /** What was lost, in words. */
  readonly what: readonly string[];
  readonly closed: readonly ClosedSegment[];
  readonly heads: readonly number[];
  /** Whether the last segment is another one now. */
  readonly movedSegments: boolean;
}

/** Moves aside what recovery has found damaged, and what cannot be read without it; undefined when all is whole. */
export async function setAside(options: RecoverOptions, findings: Findings): Promise<SetAside | undefined> {
  const { files, folder, log } = options;
  const { catalog, snapshots, replayed } = findings;
  const { damage } = replayed;
  const what = snapshots.damaged.map(({ file, why }) => `the snapshot ${file.path}: ${why}`);
  if (damage !== undefined) {
    const readable = await readableAfter(options, findings, damage);
    what.push(
      `records from ${replayed.logIndex + 1} on: ${damage.path} at offset ${damage.offset}: ${damage.why}; ` +
        `${readable} readable records after that were moved aside with it`,
    );
  }
  if (what.length === 0) return undefined;
  const into = join(folder, freeName(await files.list(folder)));
  const moves = snapshots.damaged.length > 0 || movesSegments(findings);
  if (moves) await files.makeFolder(into);
  for (const { file } of snapshots.damaged) await files.rename(file.path, join(into, file.name));
  const segments = catalog.segments.map(({ path, logIndex, bytes }) => ({ path, first: logIndex, bytes }));
  const left =
    damage === undefined
      ? { closed: segments, heads: catalog.heads }
      : await setSegmentsAside({ options, findings, damage, into });
  if (moves) await files.syncFolder(into);
  await files.syncFolder(folder);
  for (const each of what) {
    if (moves) log.error('a corrupted part of the store was moved aside', { what: each, into });
    else log.error('a part of the store is missing; continuing without it', { what: each });
  }
  return { what, ...left, movedSegments: movesSegments(findings) };
}

/** Not where files are missing, and those that are there may stay. */
function movesSegments({ catalog, replayed: { damage, logIndex } }: Findings): boolean {
  if (damage === undefined || catalog.segments.length === 0) return false;
  return damage.segment < catalog.segments.length || damage.after !== logIndex;
}

interface Aside {
  readonly options: RecoverOptions;
  readonly findings: Findings;
  readonly damage: Damage;
  readonly into: string;
}

/** Leaves a journal that ends with the last record that was recovered, so that new ones follow it. */
async function setSegmentsAside(aside: Aside): Promise<Pick<SetAside, 'closed' | 'heads'>> {
  const { options, findings, damage } = aside;
  const { files, folder, writer } = options;
  const { catalog, replayed, storeId } = findings;
  const { logIndex } = replayed;
  const closed: ClosedSegment[] =
    damage.after === logIndex
      ? await cutJournal(aside)
      : // What is before the damage ends before the snapshot: nothing could follow it.
        await moveSegments(aside, catalog.segments);
  if (closed.length === 0 && logIndex > 0)
    closed.push(await beginAt({ files, folder, storeId }, writer, logIndex + 1));
  const last = closed.at(-1)?.first ?? 0;
  // At the very end: until then they tell that something is missing.
  for (const head of catalog.heads) if (head > last) await files.remove(join(folder, headName(head)));
  return { closed, heads: catalog.heads.filter((head) => head <= last) };
}

async function cutJournal(aside: Aside): Promise<ClosedSegment[]> {
  const { options, findings, damage, into } = aside;
  const { files } = options;
  const { segments } = findings.catalog;
  const cut = segments[damage.segment];
  const isCut = cut !== undefined && damage.offset > headerBytes;
  const whole = segments.slice(0, damage.segment);
  const kept = await moveSegments(aside, segments.slice(damage.segment + (isCut ? 1 : 0)), whole);
  if (!isCut) {
    const { last } = findings.replayed;
    const closed = kept.pop();
    if (closed === undefined) return [];
    // Nobody has read it, so it is not known to be whole; the snapshot covers what is in it.
    if (last?.path !== closed.path) return moveSegments(aside, whole);
    // It was not the last one, and need not have had an end of its own.
    return [...kept, { ...closed, bytes: await endSegment(aside, last) }];
  }
  const copy = join(into, basename(cut.path));
  await files.copy(cut.path, copy);
  await syncFile(files, copy);
  const { path, logIndex: first, header } = cut;
  const version = typeof header === 'string' ? formatVersions.segment : header.version;
  const { logIndex } = findings.replayed;
  const bytes = await endSegment(aside, { path, version, logIndex, offset: damage.offset });
  return [...kept, { path, first, bytes }];
}

/** Nothing of the segment is read behind `offset` any more; returns its length. */
async function endSegment(
  { options: { files }, findings: { storeId } }: Aside,
  end: Omit<SegmentEnd, 'sealed'>,
): Promise<number> {
  // The first version knows no seals.
  return end.version === 1 ? cutAt(files, end.path, end.offset) : sealAt({ files, storeId }, end);
}

/** From the last one back: should this be cut short, the next start finds the same damage with less after it. */
async function moveSegments(
  { options, into }: Aside,
  moved: readonly CatalogFile[],
  kept: readonly CatalogFile[] = [],
): Promise<ClosedSegment[]> {
  for (const { path } of moved.toReversed()) await options.files.rename(path, join(into, basename(path)));
  return kept.map(({ path, logIndex, bytes }) => ({ path, first: logIndex, bytes }));
}

async function readableAfter(
  { files }: RecoverOptions,
  { catalog, replayed, storeId }: Findings,
  damage: Damage,
): Promise<number> {
  let records = 0;
  for (const segment of catalog.segments.slice(damage.segment)) {
    const { header } = segment;
    const version = typeof header === 'string' ? formatVersions.segment : header.version;
    const bytes = await readWhole(files, segment);
    const from = segment.path === damage.path ? Math.max(headerBytes, damage.offset) : headerBytes;
    records += readableRecords(bytes, from, replayed.logIndex + 1, { store: storeId, version });
  }
  return records;
}

function freeName(names: readonly string[]): string {
  const taken = new Set(names);
  let number = 1;
  while (taken.has(`quarantine-${number}`)) number += 1;
  return `quarantine-${number}`;
}
