import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import { findBlock, type Block } from '../../src/journal/block.ts';
import { openFileJournal, type FileJournalOptions } from '../../src/journal/file-journal.ts';
import { nodeFiles, type Files } from '../../src/journal/files.ts';
import { headerBytes, logIndexInName, readHeader, type FileKind } from '../../src/journal/format.ts';
import type { Journal, Recovered, RecoverySink } from '../../src/journal/journal.ts';
import { silentLog, type Log, type LogFields } from '../../src/primitives/log.ts';

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function optionsFor(path: string, changes: Partial<FileJournalOptions> = {}): FileJournalOptions {
  return {
    path,
    sync: 'commit',
    syncIntervalMs: 20,
    bytesMax: 64 * 1024 * 1024,
    onCorruption: 'fail',
    leaseMs: 20,
    log: silentLog,
    onFailure: (error) => {
      throw error;
    },
    onPressure: () => {},
    ...changes,
  };
}

/** What a recovery handed over. Records and parts are texts. */
export interface Contents {
  readonly snapshot: { readonly logIndex: number; readonly parts: readonly string[] } | undefined;
  /** By position. */
  readonly records: ReadonlyMap<number, string>;
  readonly recovered: Recovered;
}

export async function recoverContents(journal: Journal): Promise<Contents> {
  const records = new Map<number, string>();
  let snapshot: Contents['snapshot'];
  const sink: RecoverySink = {
    snapshot: async (logIndex, parts) => {
      const texts: string[] = [];
      for await (const part of parts) texts.push(Buffer.from(part).toString());
      snapshot = { logIndex, parts: texts };
    },
    record: (logIndex, record) => void records.set(logIndex, Buffer.from(record).toString()),
  };
  const recovered = await journal.recover(sink);
  return { snapshot, records, recovered };
}

/** Opens and recovers; closed when the test ends. */
export async function openStore(
  path: string,
  changes: Partial<FileJournalOptions> = {},
): Promise<{ readonly journal: Journal; readonly contents: Contents }> {
  const journal = await openFileJournal(optionsFor(path, changes));
  onTestFinished(() => journal.close());
  return { journal, contents: await recoverContents(journal) };
}

/** Opens, looks, and closes. */
export async function contentsOf(path: string, changes: Partial<FileJournalOptions> = {}): Promise<Contents> {
  const journal = await openFileJournal(optionsFor(path, changes));
  try {
    return await recoverContents(journal);
  } finally {
    await journal.close();
  }
}

export async function append(journal: Journal, record: string): Promise<number> {
  const bytes = Buffer.from(record);
  if (!journal.canAppend(bytes.length)) await journal.waitForSpace(bytes.length);
  return journal.append(bytes);
}

/** Appends each and waits for it, so that each has a block of its own. */
export async function appendEach(journal: Journal, records: readonly string[]): Promise<void> {
  for (const record of records) await journal.whenCommitted(await append(journal, record));
}

// oxlint-disable-next-line require-await
export async function* partsOf(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** A log that remembers: message and fields as one text. */
export function rememberingLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}): void => {
      const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`);
      lines.push({ level, text: message + rest.join('') });
    };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** A copy of the folder as it is now, open or not: what a crash leaves, or a backup holds. */
export function copyStore(path: string): string {
  const copy = temporaryFolder();
  for (const name of readdirSync(path)) {
    if (statSync(join(path, name)).isFile()) copyFileSync(join(path, name), join(copy, name));
  }
  return copy;
}

/** Paths, oldest first. */
export function segmentsIn(path: string): readonly string[] {
  return pathsOf('segment', path);
}

/** Paths, oldest first. */
export function snapshotsIn(path: string): readonly string[] {
  return pathsOf('snapshot', path);
}

/** Paths of the names of last segments, oldest first. */
export function headsIn(path: string): readonly string[] {
  return pathsOf('head', path);
}

function pathsOf(kind: FileKind | 'head', path: string): readonly string[] {
  return readdirSync(path)
    .filter((name) => logIndexInName(kind, name) !== undefined)
    .toSorted()
    .map((name) => join(path, name));
}

/** The bytes of a segment (the first one unless told) and its whole blocks. */
export function blocksOf(
  path: string,
  segment: string = segmentsIn(path)[0] ?? '',
): { readonly bytes: Buffer; readonly blocks: readonly Block[]; readonly seal: Block | undefined } {
  const bytes = readFileSync(segment);
  const header = readHeader('segment', bytes);
  if (typeof header === 'string') throw new Error(header);
  const format = { store: header.storeId, version: header.version };
  const blocks: Block[] = [];
  let block = findBlock(bytes, headerBytes, format);
  while (block !== undefined) {
    blocks.push(block);
    block = findBlock(bytes, block.end, format);
  }
  const seal = blocks.at(-1)?.records === 0 ? blocks.pop() : undefined;
  return { bytes, blocks, seal };
}

/** Changes one byte of a file. */
export function spoil(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

export type Call = 'write' | 'sync' | 'rename' | 'open' | 'syncFolder' | 'remove';

/** Called before each call with where a write ends; to fail, it throws; to be slow, it waits. */
export type DiskRule = (call: Call, path: string, end: number) => Promise<void> | void;

/** The file system under a rule. */
export function filesWith(rule: DiskRule): Files {
  const before = async (call: Call, path: string, end = 0): Promise<void> => rule(call, path, end);
  return {
    ...nodeFiles,
    open: async (path, how) => {
      await before('open', path);
      const file = await nodeFiles.open(path, how);
      return {
        path: file.path,
        write: async (bytes, at) => {
          await before('write', path, at + bytes.length);
          await file.write(bytes, at);
        },
        sync: async () => {
          await before('sync', path);
          await file.sync();
        },
        read: (into, at) => file.read(into, at),
        truncate: (bytes) => file.truncate(bytes),
        size: () => file.size(),
        isInPlace: () => file.isInPlace(),
        close: () => file.close(),
      };
    },
    rename: async (from, to) => {
      await before('rename', from);
      await nodeFiles.rename(from, to);
    },
    renameNew: async (from, to) => {
      await before('rename', from);
      await nodeFiles.renameNew(from, to);
    },
    remove: async (path) => {
      await before('remove', path);
      await nodeFiles.remove(path);
    },
    syncFolder: async (path) => {
      await before('syncFolder', path);
      await nodeFiles.syncFolder(path);
    },
  };
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code });
}

export function nth<T>(list: readonly T[], index: number): T {
  const found = list.at(index);
  if (found === undefined) throw new Error(`there is no element ${index}`);
  return found;
}
