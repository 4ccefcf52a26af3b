/**
 * A disk in memory that can lose its power: what was not synced is then there, or not, or in parts, as chance has it. Sectors of
 * one write reach it in any order; changes to the folder in the order they were made. Files are known by the last part of their
 * path, and those in quarantine by the last two.
 */
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Files, StoreFile } from '../../src/journal/files.ts';
import { systemError } from './helpers.ts';

const sectorBytes = 512;

export type Chance = () => number;

/** Numbers in [0, 1) that a seed decides. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly bytes: number };

interface Content {
  /** What a power failure leaves for certain. */
  synced: Buffer;
  now: Buffer;
  /** Since the last sync. */
  changes: Change[];
}

type Names = Map<string, Content>;

interface NameChange {
  readonly gone: string | undefined;
  readonly made: { readonly name: string; readonly content: Content } | undefined;
}

function changeNames(names: Names, { gone, made }: NameChange): void {
  if (gone !== undefined) names.delete(gone);
  if (made !== undefined) names.set(made.name, made.content);
}

function nameOf(path: string): string {
  const folder = basename(dirname(path));
  return folder.startsWith('quarantine-') ? join(folder, basename(path)) : basename(path);
}

export class CrashDisk implements Files {
  /** Called after each change and each sync has begun, and after it has ended. */
  onStep: () => void = () => {};
  #now: Names = new Map();
  #synced: Names = new Map();
  #changes: NameChange[] = [];

  /** With these files, by name, all of them synced. */
  static of(files: ReadonlyMap<string, Buffer>): CrashDisk {
    const disk = new CrashDisk();
    for (const [name, bytes] of files) disk.#add(name, bytes);
    return disk;
  }

  /** What is in the files as processes see them, by name. */
  contents(): Map<string, Buffer> {
    return new Map([...this.#now].map(([name, { now }]) => [name, now]));
  }

  /** The disk as the next process finds it after kill -9: what was not synced is there, and still not synced. */
  killed(): CrashDisk {
    const disk = new CrashDisk();
    const copies = new Map<Content, Content>();
    const copyOf = (content: Content): Content => {
      const known = copies.get(content);
      if (known !== undefined) return known;
      const copy: Content = { ...content, changes: [...content.changes] };
      copies.set(content, copy);
      return copy;
    };
    for (const [name, content] of this.#now) disk.#now.set(name, copyOf(content));
    for (const [name, content] of this.#synced) disk.#synced.set(name, copyOf(content));
    disk.#changes = this.#changes.map(({ gone, made }) => ({
      gone,
      made: made === undefined ? undefined : { name: made.name, content: copyOf(made.content) },
    }));
    return disk;
  }

  /** The disk as it comes back when the power fails now. */
  crashed(chance: Chance): CrashDisk {
    const names: Names = new Map(this.#synced);
    for (const change of this.#changes) {
      if (chance() < 0.5) break;
      changeNames(names, change);
    }
    const disk = new CrashDisk();
    for (const [name, content] of names) disk.#add(name, survivingBytes(content, chance));
    return disk;
  }

  #add(name: string, bytes: Buffer): void {
    const content: Content = { synced: bytes, now: bytes, changes: [] };
    this.#now.set(name, content);
    this.#synced.set(name, content);
  }

  #change(change: NameChange): void {
    changeNames(this.#now, change);
    this.#changes.push(change);
    this.onStep();
  }

  async open(path: string, how: 'read' | 'write' | 'write-safe' | 'create'): Promise<StoreFile> {
    await nextTurn();
    const name = nameOf(path);
    if (how === 'create') {
      const made: Content = { synced: Buffer.alloc(0), now: Buffer.alloc(0), changes: [] };
      this.#change({ gone: undefined, made: { name, content: made } });
    }
    const content = this.#content(name);
    const isInPlace = (): boolean => this.#now.get(name) === content;
    return new MemoryFile({
      path,
      content,
      safeWrites: how === 'write-safe',
      isInPlace,
      onStep: () => this.onStep(),
    });
  }

  #content(name: string): Content {
    const content = this.#now.get(name);
    if (content === undefined) throw systemError('ENOENT');
    return content;
  }

  async list(): Promise<readonly string[]> {
    return [...this.#now.keys()].filter((name) => name === basename(name));
  }

  async rename(from: string, to: string): Promise<void> {
    await nextTurn();
    const content = this.#content(nameOf(from));
    this.#change({ gone: nameOf(from), made: { name: nameOf(to), content } });
  }

  async renameNew(from: string, to: string): Promise<void> {
    if (this.#now.has(nameOf(to))) throw systemError('EEXIST');
    await this.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await nextTurn();
    this.#content(nameOf(path));
    this.#change({ gone: nameOf(path), made: undefined });
  }

  async freeBytes(): Promise<number> {
    return Infinity;
  }

  async copy(from: string, to: string): Promise<void> {
    const { now } = this.#content(nameOf(from));
    const file = await this.open(to, 'create');
    await file.write(now, 0);
  }

  /** Folders are there when something is in them. */
  async makeFolder(): Promise<void> {}

  async syncFolder(): Promise<void> {
    const count = this.#changes.length;
    await nextTurn();
    for (const change of this.#changes.splice(0, count)) changeNames(this.#synced, change);
    this.onStep();
  }
}

class MemoryFile implements StoreFile {
  readonly path: string;
  readonly #content: Content;
  readonly #safeWrites: boolean;

  readonly isInPlace: () => boolean;
  readonly #onStep: () => void;

  constructor(options: {
    readonly path: string;
    readonly content: Content;
    readonly safeWrites: boolean;
    readonly isInPlace: () => boolean;
    readonly onStep: () => void;
  }) {
    this.path = options.path;
    this.#content = options.content;
    this.#safeWrites = options.safeWrites;
    this.isInPlace = options.isInPlace;
    this.#onStep = options.onStep;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    const change: Change = { kind: 'write', at, bytes: Buffer.from(bytes) };
    this.#content.now = applied(this.#content.now, change);
    this.#content.changes.push(change);
    this.#onStep();
    await nextTurn();
    if (this.#safeWrites) this.#settle((other) => other === change);
  }

  async truncate(bytes: number): Promise<void> {
    const change: Change = { kind: 'truncate', bytes };
    this.#content.now = applied(this.#content.now, change);
    this.#content.changes.push(change);
    this.#onStep();
    await nextTurn();
  }

  async sync(): Promise<void> {
    const before = new Set(this.#content.changes);
    await nextTurn();
    this.#settle((change) => before.has(change));
  }

  #settle(which: (change: Change) => boolean): void {
    for (const change of this.#content.changes.filter(which)) {
      this.#content.synced = applied(this.#content.synced, change);
    }
    this.#content.changes = this.#content.changes.filter((change) => !which(change));
    this.#onStep();
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    const bytes = this.#content.now.subarray(at, at + into.length);
    into.set(bytes);
    return bytes.length;
  }

  async size(): Promise<number> {
    return this.#content.now.length;
  }

  async close(): Promise<void> {}
}

function applied(before: Buffer, change: Change): Buffer {
  const length =
    change.kind === 'truncate' ? change.bytes : Math.max(before.length, change.at + change.bytes.length);
  const after = Buffer.alloc(length);
  after.set(before.subarray(0, length));
  if (change.kind === 'write') after.set(change.bytes, change.at);
  return after;
}

function survivingBytes({ synced, changes }: Content, chance: Chance): Buffer {
  let bytes = synced;
  for (const change of changes) {
    if (change.kind === 'truncate') {
      if (chance() < 0.5) bytes = applied(bytes, change);
      continue;
    }
    const share = chance();
    for (let from = 0; from < change.bytes.length;) {
      const to = Math.min(change.bytes.length, from + sectorBytes - ((change.at + from) % sectorBytes));
      const part: Change = { kind: 'write', at: change.at + from, bytes: change.bytes.subarray(from, to) };
      if (chance() < share) bytes = applied(bytes, part);
      from = to;
    }
  }
  return bytes;
}
