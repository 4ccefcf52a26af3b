/** What is in a store's folder, by names and headers. Other files are left alone. */
import { join } from 'node:path';

import type { Files, StoreFile } from './files.ts';
import {
  formatVersions,
  headerBytes,
  logIndexInName,
  readHeader,
  temporaryName,
  type FileKind,
  type Header,
} from './format.ts';
import { StorageProblem } from './journal.ts';

export interface CatalogFile {
  readonly path: string;
  readonly name: string;
  /** As its name says: of a segment's first record, or that of a snapshot. */
  readonly logIndex: number;
  readonly bytes: number;
  /** The header, or what is wrong with it. */
  readonly header: Header | string;
}

export interface Catalog {
  readonly folder: string;
  /** Oldest first. */
  readonly segments: readonly CatalogFile[];
  /** Newest first. */
  readonly snapshots: readonly CatalogFile[];
  /** Paths of files that somebody was making. */
  readonly temporary: readonly string[];
  /** Oldest first: the first log indexes of segments that were once the last, and of the one that is. */
  readonly heads: readonly number[];
}

export async function readCatalog(files: Files, folder: string): Promise<Catalog> {
  const names = await files.list(folder);
  const segments = await filesOf('segment', names, { files, folder });
  const snapshots = await filesOf('snapshot', names, { files, folder });
  return {
    folder,
    segments,
    snapshots: snapshots.toReversed(),
    temporary: names.filter((name) => temporaryName.test(name)).map((name) => join(folder, name)),
    heads: names.flatMap((name) => logIndexInName('head', name) ?? []).toSorted((a, b) => a - b),
  };
}

interface Place {
  readonly files: Files;
  readonly folder: string;
}

async function filesOf(
  kind: FileKind,
  names: readonly string[],
  { files, folder }: Place,
): Promise<CatalogFile[]> {
  const found: CatalogFile[] = [];
  for (const name of names) {
    const logIndex = logIndexInName(kind, name);
    if (logIndex === undefined) continue;
    const path = join(folder, name);
    const file = await files.open(path, 'read');
    try {
      const header = checked(await headerOf(kind, file), logIndex);
      if (typeof header !== 'string' && header.version > formatVersions[kind])
        throw newerVersion(path, header.version, formatVersions[kind]);
      found.push({ path, name, logIndex, bytes: await file.size(), header });
    } finally {
      await file.close();
    }
  }
  return found.toSorted((a, b) => a.logIndex - b.logIndex);
}

async function headerOf(kind: FileKind, file: StoreFile): Promise<Header | string> {
  const bytes = Buffer.alloc(headerBytes);
  return readHeader(kind, bytes.subarray(0, await file.read(bytes, 0)));
}

function checked(header: Header | string, logIndex: number): Header | string {
  if (typeof header === 'string' || header.logIndex === logIndex) return header;
  return `its header says position ${header.logIndex}, unlike its name`;
}

function newerVersion(path: string, version: number, known: number): StorageProblem {
  return new StorageProblem(
    'newer_version',
    `${path} has format version ${version}, and this gateway supports versions up to ${known}: ` +
      'run the version of the gateway that wrote it, or a newer one',
  );
}
