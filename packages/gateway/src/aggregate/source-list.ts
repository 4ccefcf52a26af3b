/**
 * The sources by key, and in order of their last push. A source has a small number, which is its place in columns; the number of a
 * source that is gone is given to another.
 *
 *   key    in one of a few ByteTables, so that each is small where it has to grow     number = entry × tables + table
 *   order  two rings, live and pruned, linked through columns; each runs through an anchor, which is no source
 *
 * Columns come in pages, so that they grow without being copied.
 */
import { createHash } from 'node:crypto';

import { ByteTable } from '../primitives/byte-table.ts';
import type { TextAt } from './cells.ts';
import { TextScratch } from './text-scratch.ts';

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
/** Rows before that of source 0. */
const ANCHORS = 2;
const NONE = -1;

export class SourceList {
  readonly #tables: readonly ByteTable[];
  readonly #links: Int32Array[] = [];
  readonly #lastPushMs: Float64Array[] = [];
  readonly #sizes: [number, number] = [0, 0];
  readonly #scratch: TextScratch;

  constructor(hashSeed: number) {
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

  /** The number of a source, or -1. */
  find(key: string): number {
    const { view, start, end, hash } = this.#write(key);
    const table = tableFor(hash);
    const entry = this.#tables[table]!.find(view, start, end, hash);
    return entry < 0 ? NONE : entry * TABLES + table;
  }

  /** The number of a source, new or not, which is now the newest of the live ones. */
  touch(key: string, nowMs: number): number {
    const { view, start, end, hash } = this.#write(key);
    const table = tableFor(hash);
    let entry = this.#tables[table]!.find(view, start, end, hash);
    if (entry >= 0) {
      this.#unlink(entry * TABLES + table);
    } else {
      entry = this.#tables[table]!.insert(view, start, end, hash);
      while (entry * TABLES + table + ANCHORS >= this.#links.length * PAGE_ROWS) this.#addPage();
    }
    const source = entry * TABLES + table;
    const row = source + ANCHORS;
    this.#lastPushMs[row >>> PAGE_BITS]![row & (PAGE_ROWS - 1)] = nowMs;
    this.#append(source, Ring.LIVE);
    return source;
  }

  /** Makes a source the newest of the pruned ones. */
  prune(source: number): void {
    this.#unlink(source);
    this.#append(source, Ring.PRUNED);
  }

  remove(source: number): void {
    this.#unlink(source);
    const table = this.#tables[source % TABLES]!;
    const entry = Math.floor(source / TABLES);
    table.remove(entry);
    table.release(entry);
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

  #write(key: string): TextAt {
    const text =
      key.length > KEY_CHARS_MAX ? `sha256:${createHash('sha256').update(key).digest('hex')}` : key;
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
    this.#links[row >>> PAGE_BITS]![(row & (PAGE_ROWS - 1)) * LINKS + column] = value;
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
