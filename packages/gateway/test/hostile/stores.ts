/**
 * What can be done to a store by disks, power and people, with chance deciding what and where. After each fault the store is opened
 * again, and must either have all that was acknowledged or say that it is damaged. `lost` counts the times that it did neither.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openFileJournal, type FileJournalOptions } from '../../src/journal/file-journal.ts';
import type { Files } from '../../src/journal/files.ts';
import { segmentName, snapshotName } from '../../src/journal/format.ts';
import { inspectStore } from '../../src/journal/inspect.ts';
import { JournalFull, StorageProblem, type Journal } from '../../src/journal/journal.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { chanceOf, CrashDisk, type Chance } from '../journal/crash-disk.ts';
import { faultyDisk, injectable, type Fault } from './faulty-disk.ts';

export interface Campaign {
  readonly seed: number;
  readonly count: number;
}

export interface Counts {
  readonly tried: number;
  /** Opened with all that was acknowledged. */
  readonly recovered: number;
  /** Not opened, or a push refused, with a message that says why. */
  readonly reported: number;
  /** Neither. Must be 0. */
  readonly lost: number;
  /** What was done when something was lost, to do it again. */
  readonly losses: readonly string[];
}

/** Small files make quick work: segments of 16 KiB. */
const bytesMax = 512 * 1024;
const recordBytesMax = 3000;
const MOMENTS_MIN = 20;

class Tally {
  #recovered = 0;
  #reported = 0;
  readonly #losses: string[] = [];

  add(outcome: 'recovered' | 'reported' | { readonly lost: string }): void {
    if (outcome === 'recovered') this.#recovered += 1;
    else if (outcome === 'reported') this.#reported += 1;
    else this.#losses.push(outcome.lost);
  }

  get counts(): Counts {
    const [recovered, reported, losses] = [this.#recovered, this.#reported, this.#losses];
    const lost = losses.length;
    return { tried: recovered + reported + lost, recovered, reported, lost, losses: losses.slice(0, 10) };
  }
}

/** Cuts files, changes bits, removes, swaps and duplicates files, of stores that were closed and of some that were not. */
export function mutateStores({ seed, count }: Campaign): Promise<Counts> {
  return inFolder(async (folder) => {
    const chance = chanceOf(seed);
    const tally = new Tally();
    let store = await makeStore(folder, chance);
    for (let i = 0; i < count; i += 1) {
      if (i % 50 === 49) store = await makeStore(folder, chance);
      const files = new Map(store.files);
      const what = mutate(files, chance);
      tally.add(await outcomeOf(folder, files, store.records, what));
    }
    return tally.counts;
  });
}

/**
 * Each file cut at every so many of its offsets, a bit of it changed there, and each file removed, of whole stores: as many as it takes until `count`
 * things were tried, as some stores are small.
 */
export function mutateEverywhere({
  seed,
  every,
  count,
}: Campaign & { readonly every: number }): Promise<Counts> {
  return inFolder(async (folder) => {
    const chance = chanceOf(seed);
    const tally = new Tally();
    while (tally.counts.tried < count) {
      const { files, records } = await makeStore(folder, chance);
      for (const [name, bytes] of files) {
        const attempt = async (what: string, changed: Buffer | undefined): Promise<void> => {
          const mutated = new Map(files);
          if (changed === undefined) mutated.delete(name);
          else mutated.set(name, changed);
          tally.add(await outcomeOf(folder, mutated, records, `${what} ${name}`));
        };
        await attempt('removed', undefined);
        for (let at = seed % every; at < bytes.length; at += every) {
          await attempt(`cut at ${at}`, bytes.subarray(0, at));
          await attempt(`bit changed at ${at}`, flipped(bytes, at, 1 << (at % 8)));
        }
      }
    }
    return tally.counts;
  });
}

interface Store {
  readonly files: ReadonlyMap<string, Buffer>;
  /** All of them acknowledged. */
  readonly records: readonly string[];
}

function optionsOn(
  files: Files,
  folder: string,
  changes: Partial<FileJournalOptions> = {},
): FileJournalOptions {
  return {
    path: folder,
    sync: 'commit',
    syncIntervalMs: 5,
    bytesMax,
    onCorruption: 'fail',
    leaseMs: 5,
    log: silentLog,
    onFailure: () => {},
    onPressure: () => {},
    files,
    ...changes,
  };
}

/** A store of some records in one to several segments, with none to several snapshots, closed or left as a crash leaves it. */
async function makeStore(folder: string, chance: Chance): Promise<Store> {
  const disk = new CrashDisk();
  const journal = await openFileJournal(optionsOn(disk, folder));
  const records: string[] = [];
  await recovered(journal);
  const rounds = 1 + Math.floor(chance() * 30);
  for (let round = 0; round < rounds; round += 1) {
    await appendSome(journal, records, chance);
    await journal.whenCommitted(journal.logIndex);
    if (chance() < 0.1) await journal.snapshot(journal.logIndex, stateAt(journal.logIndex));
  }
  const left = disk.contents();
  await journal.close();
  return { files: chance() < 0.5 ? left : disk.contents(), records };
}

async function appendSome(journal: Journal, records: string[], chance: Chance): Promise<void> {
  const count = 1 + Math.floor(chance() * 4);
  for (let i = 0; i < count; i += 1) {
    const text = `${records.length + 1}:`.padEnd(Math.floor(chance() * recordBytesMax), 'x');
    await journal.waitForSpace(text.length);
    records.push(text);
    journal.append(Buffer.from(text));
  }
}

// oxlint-disable-next-line require-await
async function* stateAt(logIndex: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`state at ${logIndex}`);
  yield Buffer.alloc(2000, 's');
}

/** One to three faults; returns them in words. */
function mutate(files: Map<string, Buffer>, chance: Chance): string {
  const done: string[] = [];
  const faults = chance() < 0.7 ? 1 : 1 + Math.floor(chance() * 3);
  for (let i = 0; i < faults; i += 1) done.push(mutateOnce(files, chance, faults === 1));
  return done.join(', ');
}

function mutateOnce(files: Map<string, Buffer>, chance: Chance, isAlone: boolean): string {
  const names = [...files.keys()]
    .filter((name) => !name.endsWith('.tmp'))
    // That the last segment has gone together with what says that it was the last one cannot be seen.
    .filter((name) => isAlone || !name.endsWith('.head'))
    .toSorted();
  const name = pick(names, chance) ?? '';
  const other = pick(names, chance) ?? '';
  const bytes = files.get(name) ?? Buffer.alloc(0);
  const at = Math.floor(chance() * bytes.length);
  switch (Math.floor(chance() * 5)) {
    case 0:
      files.set(name, bytes.subarray(0, at));
      return `${name} cut at ${at}`;
    case 1:
      if (bytes.length > 0) files.set(name, flipped(bytes, at, 1 << Math.floor(chance() * 8)));
      return `${name} changed at ${at}`;
    case 2:
      files.delete(name);
      return `${name} removed`;
    case 3:
      files.set(name, files.get(other) ?? bytes);
      files.set(other, bytes);
      return `${name} and ${other} swapped`;
    default: {
      const logIndex = 1 + Math.floor(chance() * 60);
      const copy = name.endsWith('.snap') ? snapshotName(logIndex) : segmentName(logIndex);
      files.set(copy, bytes);
      return `${name} copied to ${copy}`;
    }
  }
}

function flipped(bytes: Buffer, at: number, bits: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ bits;
  return changed;
}

function pick<T>(list: readonly T[], chance: Chance): T | undefined {
  return list[Math.floor(chance() * list.length)];
}

type Outcome = 'recovered' | 'reported' | { readonly lost: string };

/** Opens the store, inspects it, and moves aside what is damaged; all must say the same. */
async function outcomeOf(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  records: readonly string[],
  what: string,
): Promise<Outcome> {
  const { damages } = await inspectStore(folder, silentLog, CrashDisk.of(files));
  const opened = await open(CrashDisk.of(files), folder);
  const lost = (why: string): Outcome => ({ lost: `${what}: ${why}` });
  if (opened.kind === 'whole') {
    const wrong = differenceOf(opened, records);
    return wrong === undefined ? 'recovered' : lost(wrong);
  }
  if (opened.kind === 'failed') return lost(opened.why);
  if (damages.length === 0) return lost(`verify finds nothing, but the start says: ${opened.why}`);
  const disk = CrashDisk.of(files);
  const quarantined = await open(disk, folder, { onCorruption: 'quarantine' });
  if (quarantined.kind !== 'whole') return lost(`it cannot be quarantined: ${quarantined.why}`);
  if (quarantined.lost.length === 0) return lost('quarantine says that nothing is lost');
  const again = await open(disk, folder);
  if (again.kind !== 'whole') return lost(`after quarantine: ${again.why}`);
  if (again.logIndex !== quarantined.logIndex)
    return lost('another start after quarantine finds something else');
  return 'reported';
}

interface Whole {
  readonly kind: 'whole';
  readonly logIndex: number;
  readonly snapshot: { readonly logIndex: number; readonly state: string } | undefined;
  readonly records: readonly string[];
  readonly lost: readonly string[];
}

async function open(
  disk: CrashDisk,
  folder: string,
  changes: Partial<FileJournalOptions> = {},
): Promise<Whole | { readonly kind: 'refused' | 'failed'; readonly why: string }> {
  const journal = await openFileJournal(optionsOn(disk, folder, changes));
  try {
    return await recovered(journal);
  } catch (error) {
    return { kind: error instanceof StorageProblem ? 'refused' : 'failed', why: String(error) };
  } finally {
    await journal.close();
  }
}

async function recovered(journal: Journal): Promise<Whole> {
  const records: string[] = [];
  let snapshot: Whole['snapshot'];
  const { lost } = await journal.recover({
    snapshot: async (logIndex, parts) => {
      const texts: string[] = [];
      for await (const part of parts) texts.push(Buffer.from(part).toString());
      snapshot = { logIndex, state: texts[0] ?? '' };
    },
    record: (_logIndex, record) => void records.push(Buffer.from(record).toString()),
  });
  return { kind: 'whole', logIndex: journal.logIndex, snapshot, records, lost };
}

/** What is not as it was acknowledged, or undefined. `more` is how many records were appended, acknowledged or not. */
function differenceOf(
  found: Whole,
  acknowledged: readonly string[],
  appended = acknowledged,
): string | undefined {
  const covered = found.snapshot?.logIndex ?? 0;
  if (found.snapshot !== undefined && found.snapshot.state !== `state at ${covered}`) return 'another state';
  if (found.logIndex < acknowledged.length) return `${found.logIndex} of ${acknowledged.length} records`;
  if (found.logIndex > appended.length)
    return `${found.logIndex} records, and ${appended.length} were appended`;
  const wrong = found.records.findIndex((record, i) => record !== appended[covered + i]);
  return wrong < 0 ? undefined : `record ${covered + wrong + 1} is another`;
}

/**
 * Cuts the power after each operation on the disk, also in the middle of a start, a snapshot and a change of segments; and kills the
 * process there, starts it again, and cuts the power then. `count` is of lives, each with some hundred operations; `share` is how many
 * of those are tried.
 */
export function cutPower({ seed, count, share }: Campaign & { readonly share: number }): Promise<Counts> {
  return inFolder(async (folder) => {
    const chance = chanceOf(seed);
    const tally = new Tally();
    // Short lives have few moments.
    for (let i = 0; i < count || tally.counts.tried < MOMENTS_MIN; i += 1) {
      const sync = i % 2 === 0 ? 'commit' : 'interval';
      for (const moment of await momentsOf(folder, { sync, chance, share }))
        tally.add(await outcomeAfter(folder, moment, chance));
    }
    return tally.counts;
  });
}

interface Moment {
  readonly what: string;
  readonly disk: CrashDisk;
  readonly end: 'power' | 'kill';
  /** Must be there. */
  readonly acknowledged: readonly string[];
  /** Of them, those that no power failure can take. */
  readonly durable: readonly string[];
  readonly appended: readonly string[];
}

interface LifeOptions {
  readonly sync: 'commit' | 'interval';
  readonly chance: Chance;
  readonly share: number;
}

/** A life of a store, as it was after each operation on the disk. */
async function momentsOf(folder: string, { sync, chance, share }: LifeOptions): Promise<Moment[]> {
  const disk = new CrashDisk();
  const records: string[] = [];
  const moments: Moment[] = [];
  let journal: Journal | undefined;
  // What was read at a start is as safe as what was synced.
  let read = 0;
  const note = (): void => {
    const safe = journal?.committedLogIndex ?? read;
    const appended = [...records];
    for (const end of ['power', 'kill'] as const) {
      const synced = sync === 'commit' ? Math.max(safe, read) : read;
      const durable = records.slice(0, synced);
      const acknowledged = end === 'kill' ? records.slice(0, Math.max(safe, read)) : durable;
      const what = `${sync}, ${end} after operation ${Math.floor(moments.length / 2)}`;
      const left = end === 'kill' ? disk.killed() : disk.crashed(chance);
      moments.push({ what, disk: left, end, acknowledged, durable, appended });
    }
  };
  disk.onStep = () => {
    if (chance() < share) note();
  };
  for (let start = 0; start < 2; start += 1) {
    journal = undefined;
    const opened = await openFileJournal(optionsOn(disk, folder, { sync }));
    await recovered(opened);
    journal = opened;
    read = opened.logIndex;
    for (let round = 0; round < 6; round += 1) {
      await appendSome(opened, records, chance);
      if (chance() < 0.7) await opened.whenCommitted(opened.logIndex);
      if (chance() < 0.3) await opened.snapshot(opened.logIndex, stateAt(opened.logIndex));
    }
    await opened.close();
    read = records.length;
  }
  return moments;
}

async function outcomeAfter(folder: string, moment: Moment, chance: Chance): Promise<Outcome> {
  const { what, end, acknowledged, appended } = moment;
  const during: CrashDisk[] = [];
  moment.disk.onStep = () => {
    if (chance() < 0.1) during.push(moment.disk.crashed(chance));
  };
  const opened = await open(moment.disk, folder, { sync: 'interval' });
  moment.disk.onStep = () => {};
  for (const disk of during) {
    // Nothing was shown so far; with intervals, what was only written may go.
    const found = await open(disk, folder);
    if (found.kind !== 'whole') return { lost: `${what}, power while it starts: ${found.why}` };
    const missing = differenceOf(found, moment.durable, appended);
    if (missing !== undefined) return { lost: `${what}, power while it starts: ${missing}` };
  }
  if (opened.kind !== 'whole') return { lost: `${what}: ${opened.why}` };
  const wrong = differenceOf(opened, acknowledged, appended);
  if (wrong !== undefined) return { lost: `${what}: ${wrong}` };
  if (end === 'power') return 'recovered';
  // What this start has read it may have shown.
  const again = await open(moment.disk.crashed(chance), folder);
  if (again.kind !== 'whole') return { lost: `${what}, then power: ${again.why}` };
  const gone = differenceOf(again, appended.slice(0, opened.logIndex), appended);
  return gone === undefined ? 'recovered' : { lost: `${what}, then power: ${gone}` };
}

/** Has calls of the file system fail, once or from then on, at a start and while records are appended. */
export function injectErrors({ seed, count }: Campaign): Promise<Counts> {
  return inFolder(async (folder) => {
    const chance = chanceOf(seed);
    const tally = new Tally();
    for (let i = 0; i < count; i += 1) tally.add(await outcomeWith(folder, injectable(chance), chance));
    return tally.counts;
  });
}

async function outcomeWith(folder: string, fault: Fault, chance: Chance): Promise<Outcome> {
  const disk = new CrashDisk();
  const { files, what } = faultyDisk(disk, fault);
  const records: string[] = [];
  const problems: unknown[] = [];
  let acknowledged = 0;
  const lost = (why: string): Outcome => ({ lost: `${what()}: ${why}` });
  for (let start = 0; start < 3; start += 1) {
    const onFailure = (error: Error): void => void problems.push(error);
    const journal = await openFileJournal(optionsOn(files, folder, { onFailure }));
    try {
      const wrong = differenceOf(await recovered(journal), records.slice(0, acknowledged), records);
      if (wrong !== undefined) return lost(wrong);
      // What the journal did not take is not in it.
      records.length = journal.logIndex;
      for (let round = 0; round < 8; round += 1) {
        await appendSome(journal, records, chance).catch((error: unknown) => void problems.push(error));
        await journal.whenCommitted(journal.logIndex).catch((error: unknown) => void problems.push(error));
        acknowledged = Math.max(acknowledged, journal.committedLogIndex);
        records.length = journal.logIndex;
        if (chance() < 0.3)
          await journal.snapshot(journal.logIndex, stateAt(journal.logIndex)).catch((error: unknown) => {
            problems.push(error);
          });
      }
    } catch (error) {
      if (!(error instanceof StorageProblem)) return lost(`a start ended with a bare ${String(error)}`);
      problems.push(error);
    } finally {
      await journal.close();
    }
  }
  const last = await open(disk, folder);
  if (last.kind !== 'whole') return lost(`once the disk works again: ${last.why}`);
  const wrong = differenceOf(last, records.slice(0, acknowledged), records);
  if (wrong !== undefined) return lost(wrong);
  return problems.some((problem) => problem instanceof Error || problem instanceof JournalFull)
    ? 'reported'
    : 'recovered';
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  // The lock is a real one; all else is in memory.
  const folder = await mkdtemp(join(tmpdir(), 'hostile-stores-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
