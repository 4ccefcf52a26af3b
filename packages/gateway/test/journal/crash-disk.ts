/**
 * A disk in memory that can lose its power: what was not synced is then there, or not, or in parts, as chance has it. Sectors of
 * one write reach it in any order; changes to the folder in the order they were made. Files are known by the last part of their path.
 */
import { basename } from 'node:path';
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

export class CrashDisk implements Files {
  #now: Names = new Map();
  #synced: Names = new Map();
  #changes: ((names: Names) => void)[] = [];

  /** The disk as it comes back when the power fails now. */
  crashed(chance: Chance): CrashDisk {
    const names: Names = new Map(this.#synced);
    for (const change of this.#changes) {
      if (chance() < 0.5) break;
      change(names);
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

  #change(change: (names: Names) => void): void {
    change(this.#now);
    this.#changes.push(change);
  }

  async open(path: string, how: 'read' | 'write' | 'write-safe' | 'create'): Promise<StoreFile> {
    await nextTurn();
    const name = basename(path);
    if (how === 'create') {
      const made: Content = { synced: Buffer.alloc(0), now: Buffer.alloc(0), changes: [] };
      this.#change((names) => void names.set(name, made));
    }
    return new MemoryFile(path, this.#content(name), how === 'write-safe');
  }

  #content(name: string): Content {
    const content = this.#now.get(name);
    if (content === undefined) throw systemError('ENOENT');
    return content;
  }

  async list(): Promise<readonly string[]> {
    return [...this.#now.keys()];
  }

  async rename(from: string, to: string): Promise<void> {
    await nextTurn();
    const content = this.#content(basename(from));
    this.#change((names) => {
      names.delete(basename(from));
      names.set(basename(to), content);
    });
  }

  async remove(path: string): Promise<void> {
    await nextTurn();
    this.#content(basename(path));
    this.#change((names) => void names.delete(basename(path)));
  }

  async freeBytes(): Promise<number> {
    return Infinity;
  }

  async copy(): Promise<void> {
    throw new Error('not needed');
  }

  async makeFolder(): Promise<void> {
    throw new Error('not needed');
  }

  async syncFolder(): Promise<void> {
    const count = this.#changes.length;
    await nextTurn();
    for (const change of this.#changes.splice(0, count)) change(this.#synced);
  }
}

class MemoryFile implements StoreFile {
  readonly path: string;
  readonly #content: Content;
  readonly #safeWrites: boolean;

  constructor(path: string, content: Content, safeWrites: boolean) {
    this.path = path;
    this.#content = content;
    this.#safeWrites = safeWrites;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    const change: Change = { kind: 'write', at, bytes: Buffer.from(bytes) };
    this.#content.now = applied(this.#content.now, change);
    this.#content.changes.push(change);
    await nextTurn();
    if (this.#safeWrites) this.#settle((other) => other === change);
  }

  async truncate(bytes: number): Promise<void> {
    const change: Change = { kind: 'truncate', bytes };
    this.#content.now = applied(this.#content.now, change);
    this.#content.changes.push(change);
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
