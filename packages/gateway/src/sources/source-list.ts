/**
 * The sources by key, and in order of their last push. A source has a small number, which is its place in columns; the number of a
 * source that is gone is given to another.
 *
 *   key    in one of a few ByteTables, so that each is small where it has to grow     number = entry × tables + table
 *   order  two rings, live and pruned, linked through columns; each runs through an anchor, which is no source
 *   class  a number that whoever looks through the sources may give each, so that its key is read once; never part of what is kept
 *
 * Columns come in pages, so that they grow without being copied.
 */
import { createHash } from 'node:crypto';

import type { Label } from '../model/labels.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import { viewOf } from '../primitives/bytes.ts';
import { hashBytes } from '../primitives/hash.ts';
import { blockBytes } from '../primitives/text-arena.ts';
import type { TextAt } from '../store/accumulators.ts';
import { TextScratch } from '../store/text-scratch.ts';

const TABLE_BITS = 2;
const TABLES = 1 << TABLE_BITS;
/** A longer key stands as its digest, which no key looks like: keys are JSON. */
const KEY_CHARS_MAX = 1024;
const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
/** Columns of a row of links. */
const [PREVIOUS, NEXT, RING, LINKS] = [0, 1, 2, 3];

/** The rings, by the rows of their anchors. */
export const Ring = { LIVE: 0, PRUNED: 1 } as const;
export type Ring = (typeof Ring)[keyof typeof Ring];
/** What a source takes besides its key: links, time, the columns of the table, and where its contributions are. */
const SOURCE_BYTES = 56;
/** Bytes that any source takes, at the most. */
export const keyBytesMax: number = SOURCE_BYTES + blockBytes(KEY_CHARS_MAX * 3);
/** Rows before that of source 0. */
const ANCHORS = 2;
const NONE = -1;

/** The sources at one point in time. */
export interface FrozenSources {
  readonly liveCount: number;
  readonly prunedCount: number;
  /** Sources have smaller numbers than this. */
  readonly numbers: number;
  /** From the one silent for longest on. */
  inOrder(ring: Ring): Iterable<number>;
  lastPushMs(source: number): number;
  key(source: number): { readonly table: ByteTable; readonly entry: number };
}

/** Pages are copied when they are first written to; numbers and keys of sources that go are kept until the end. */
interface FrozenPages {
  /** By page: 1 while the snapshot reads the page that is written to. */
  readonly isShared: Uint8Array;
  readonly removed: number[];
}

/** What the hash of a long key begins with, as no key does. */
export const hashedKey = 'sha256:';

export class SourceList {
  /** When the source that was last touched had pushed before; for one that is new, now. */
  pushedBeforeMs = 0;
  readonly #seed: number;
  readonly #tables: readonly ByteTable[];
  readonly #links: Int32Array[] = [];
  readonly #lastPushMs: Float64Array[] = [];
  /** Undefined where no source was given a class. */
  #classes: Uint16Array[] | undefined;
  readonly #sizes: [number, number] = [0, 0];
  readonly #scratch: TextScratch;
  /** What a snapshot reads, until it is thawed. */
  #frozen: FrozenPages | undefined;

  constructor(hashSeed: number) {
    this.#seed = hashSeed;
    this.#scratch = new TextScratch(hashSeed);
    this.#tables = Array.from({ length: TABLES }, () => new ByteTable(hashSeed));
    this.#addPage();
    for (const anchor of [Ring.LIVE, Ring.PRUNED]) {
      this.#setLink(anchor, PREVIOUS, anchor);
      this.#setLink(anchor, NEXT, anchor);
    }
  }

  /** How many sources are in a ring. */
  sizeOf(ring: Ring): number {
    return this.#sizes[ring];
  }

  /** Bytes of all sources: their keys, and what goes with each. */
  get bytes(): number {
    let bytes = (this.#sizes[Ring.LIVE] + this.#sizes[Ring.PRUNED]) * SOURCE_BYTES;
    for (const table of this.#tables) bytes += table.textBytes;
    return bytes + (this.#classes?.length ?? 0) * PAGE_ROWS * Uint16Array.BYTES_PER_ELEMENT;
  }

  /** Bytes that a source with this key takes. */
  bytesOf(key: string): number {
    const { start, end } = this.#write(key);
    return SOURCE_BYTES + blockBytes(end - start);
  }

  /** All numbers of sources are smaller. */
  get end(): number {
    return this.#links.length * PAGE_ROWS - ANCHORS;
  }

  /** Whether there is a source of this number. */
  isKnown(source: number): boolean {
    const row = source + ANCHORS;
    return this.#link(this.#link(row, PREVIOUS), NEXT) === row;
  }

  ringOf(source: number): Ring {
    return this.#link(source + ANCHORS, RING) as Ring;
  }

  /** The class that a source was given; 0 for none. */
  classOf(source: number): number {
    return this.#classes?.[source >>> PAGE_BITS]?.[source & (PAGE_ROWS - 1)] ?? 0;
  }

  setClass(source: number, class_: number): void {
    this.#classes ??= [];
    const page = source >>> PAGE_BITS;
    while (this.#classes.length <= page) this.#classes.push(new Uint16Array(PAGE_ROWS));
    this.#classes[page]![source & (PAGE_ROWS - 1)] = class_;
  }

  forgetClasses(): void {
    this.#classes = undefined;
  }

  /** The key of a source; of one that is very long, a hash (see `hashedKey`). */
  keyOf(source: number): string {
    const { table, entry } = this.#keyAt(source);
    return table.textOf(entry);
  }

  /** The number of a source, or -1. */
  find(key: string): number {
    return this.#find(this.#write(key));
  }

  /** The number of a source, new or not, which is now the newest of the live ones. */
  touch(key: string, nowMs: number): number {
    const at = this.#write(key);
    const source = this.#find(at);
    this.pushedBeforeMs = source < 0 ? nowMs : this.lastPushMs(source);
    if (source < 0) return this.#insert(at, nowMs, Ring.LIVE);
    this.#unlink(source);
    this.#setLastPushMs(source, nowMs);
    this.#append(source, Ring.LIVE);
    return source;
  }

  /** Adds a source by the bytes of its key, as the newest of a ring; -1 when there is one of that key. */
  restore(bytes: Uint8Array, lastPushMs: number, ring: Ring): number {
    const view = viewOf(bytes);
    const key = { view, start: 0, end: bytes.length, hash: hashBytes(this.#seed, view, 0, bytes.length) };
    return this.#find(key) >= 0 ? NONE : this.#insert(key, lastPushMs, ring);
  }

  /** Makes a source the newest of the pruned ones. */
  prune(source: number): void {
    this.#unlink(source);
    this.#append(source, Ring.PRUNED);
  }

  remove(source: number): void {
    this.#unlink(source);
    const { table, entry } = this.#keyAt(source);
    table.remove(entry);
    if (this.#frozen === undefined) table.release(entry);
    else this.#frozen.removed.push(source);
  }

  lastPushMs(source: number): number {
    const row = source + ANCHORS;
    return this.#lastPushMs[row >>> PAGE_BITS]![row & (PAGE_ROWS - 1)]!;
  }

  /** The source of a ring that has been silent for longest, or -1. */
  oldest(ring: Ring): number {
    return Math.max(this.#link(ring, NEXT) - ANCHORS, NONE);
  }

  /** The source of a ring that pushed last, or -1. */
  newest(ring: Ring): number {
    return Math.max(this.#link(ring, PREVIOUS) - ANCHORS, NONE);
  }

  /** The next older source of the same ring, or -1. */
  olderThan(source: number): number {
    return Math.max(this.#link(source + ANCHORS, PREVIOUS) - ANCHORS, NONE);
  }

  /** Those that pushed last first, and those that are silent for long behind all others. */
  *newestFirst(): Generator<number> {
    for (const ring of [Ring.LIVE, Ring.PRUNED])
      for (let source = this.newest(ring); source >= 0; source = this.olderThan(source)) yield source;
  }

  /** The other way round. */
  *oldestFirst(): Generator<number> {
    for (const ring of [Ring.PRUNED, Ring.LIVE])
      for (let row = this.#link(ring, NEXT); row !== ring; row = this.#link(row, NEXT)) yield row - ANCHORS;
  }

  /** The sources as they are now, to be read while they go on changing; call `thaw` when it has been read. */
  freeze(): FrozenSources {
    if (this.#frozen !== undefined) throw new Error('BUG: the sources are frozen already');
    const links = [...this.#links];
    const lastPushMs = [...this.#lastPushMs];
    this.#frozen = { isShared: new Uint8Array(links.length).fill(1), removed: [] };
    return {
      liveCount: this.#sizes[Ring.LIVE],
      prunedCount: this.#sizes[Ring.PRUNED],
      numbers: links.length * PAGE_ROWS,
      *inOrder(ring) {
        for (let row: number = ring; ;) {
          row = links[row >>> PAGE_BITS]![(row & (PAGE_ROWS - 1)) * LINKS + NEXT]!;
          if (row === ring) return;
          yield row - ANCHORS;
        }
      },
      lastPushMs: (source) =>
        lastPushMs[(source + ANCHORS) >>> PAGE_BITS]![(source + ANCHORS) & (PAGE_ROWS - 1)]!,
      key: (source) => this.#keyAt(source),
    };
  }

  thaw(): void {
    const removed = this.#frozen?.removed ?? [];
    this.#frozen = undefined;
    for (const source of removed) {
      const { table, entry } = this.#keyAt(source);
      table.release(entry);
    }
  }

  #keyAt(source: number): { readonly table: ByteTable; readonly entry: number } {
    return { table: this.#tables[source % TABLES]!, entry: Math.floor(source / TABLES) };
  }

  #find({ view, start, end, hash }: TextAt): number {
    const table = tableFor(hash);
    const entry = this.#tables[table]!.find(view, start, end, hash);
    return entry < 0 ? NONE : entry * TABLES + table;
  }

  #insert({ view, start, end, hash }: TextAt, nowMs: number, ring: Ring): number {
    const table = tableFor(hash);
    const entry = this.#tables[table]!.insert(view, start, end, hash);
    const source = entry * TABLES + table;
    while (source + ANCHORS >= this.#links.length * PAGE_ROWS) this.#addPage();
    this.#setLastPushMs(source, nowMs);
    this.#append(source, ring);
    if (this.classOf(source) !== 0) this.setClass(source, 0);
    return source;
  }

  #write(key: string): TextAt {
    const text =
      key.length > KEY_CHARS_MAX ? `${hashedKey}${createHash('sha256').update(key).digest('hex')}` : key;
    return this.#scratch.write(text);
  }

  #append(source: number, ring: Ring): void {
    const row = source + ANCHORS;
    const newest = this.#link(ring, PREVIOUS);
    this.#setLink(row, PREVIOUS, newest);
    this.#setLink(row, NEXT, ring);
    this.#setLink(row, RING, ring);
    this.#setLink(newest, NEXT, row);
    this.#setLink(ring, PREVIOUS, row);
    this.#sizes[ring] += 1;
  }

  #unlink(source: number): void {
    const row = source + ANCHORS;
    const previous = this.#link(row, PREVIOUS);
    const next = this.#link(row, NEXT);
    this.#setLink(previous, NEXT, next);
    this.#setLink(next, PREVIOUS, previous);
    this.#sizes[this.#link(row, RING) as Ring] -= 1;
  }

  #link(row: number, column: number): number {
    return this.#links[row >>> PAGE_BITS]![(row & (PAGE_ROWS - 1)) * LINKS + column]!;
  }

  #setLink(row: number, column: number, value: number): void {
    const page = row >>> PAGE_BITS;
    if (this.#frozen !== undefined) this.#own(page);
    this.#links[page]![(row & (PAGE_ROWS - 1)) * LINKS + column] = value;
  }

  #setLastPushMs(source: number, timeMs: number): void {
    const row = source + ANCHORS;
    const page = row >>> PAGE_BITS;
    if (this.#frozen !== undefined) this.#own(page);
    this.#lastPushMs[page]![row & (PAGE_ROWS - 1)] = timeMs;
  }

  /** Leaves a page that a snapshot reads as it is, and goes on with a copy. */
  #own(page: number): void {
    const { isShared } = this.#frozen!;
    if (isShared[page] !== 1) return;
    isShared[page] = 0;
    this.#links[page] = this.#links[page]!.slice();
    this.#lastPushMs[page] = this.#lastPushMs[page]!.slice();
  }

  #addPage(): void {
    this.#links.push(new Int32Array(PAGE_ROWS * LINKS));
    this.#lastPushMs.push(new Float64Array(PAGE_ROWS));
  }
}

/** The high bits choose the table, as the low ones choose the place in it. */
function tableFor(hash: number): number {
  return hash >>> (32 - TABLE_BITS);
}

/** The labels of the path by which a source is known; undefined where its key is kept as a hash. */
export function labelsOfKey(key: string): readonly Label[] | undefined {
  if (key.startsWith(hashedKey)) return undefined;
  const labels = JSON.parse(key) as readonly (readonly [name: string, value: string])[];
  return labels.map(([name, value]) => ({ name, value }));
}
