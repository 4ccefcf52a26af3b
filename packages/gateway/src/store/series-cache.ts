/**
 * Bytes that led somewhere before: other series keys of a series than its canonical text, and HELP and TYPE lines. Bounded, and
 * never the only way: what is not found here is parsed, and learnt again.
 *
 *   recent     learnt, and not used since        forgotten first: what is spelled otherwise each time pushes nothing else out
 *   current    used again
 *   previous   what was current before that grew too large; what is used again moves to current, the rest goes with the next turn
 *
 * To forget is to drop a table, which takes no time however much is in it.
 */
import { dialects } from '../model/sample-sink.ts';
import type { Dialect } from '../model/sample-sink.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import { metadataKinds } from './batch.ts';
import type { MetadataKind } from './batch.ts';

/** Longer series keys are read anew each time, so that a few pushes cannot fill the table. */
const SERIES_KEY_BYTES_MAX = 1024;
/** What a series key takes besides its bytes: columns, target, and its place in the table. */
const SERIES_KEY_BYTES = 28;
/** A reference is an entry and, in its last two bits, the place of its table: current, previous, recent. */
const TABLE_BITS = 2;
const TABLE_MASK = 3;
const DISCARDED = metadataKinds.indexOf('discarded');
const CURRENT = 0;
const PREVIOUS = 1;
const RECENT = 2;

/** Tables for each dialect, which share one bound. */
export function seriesCachesFor(hashSeed: number, bytesMax: number): Readonly<Record<Dialect, SeriesCache>> {
  const all: SeriesCache[] = [];
  const made = (): SeriesCache => {
    const seriesCache = new SeriesCache(hashSeed, bytesMax, all);
    all.push(seriesCache);
    return seriesCache;
  };
  return Object.fromEntries(dialects.map((dialect) => [dialect, made()])) as Record<Dialect, SeriesCache>;
}

export class SeriesCache {
  readonly #hashSeed: number;
  readonly #bytesMax: number;
  /** All that share the bound, this one among them. */
  readonly #all: readonly SeriesCache[];
  #current: SeriesCacheTable;
  #previous: SeriesCacheTable;
  readonly #recent: SeriesCacheTable;

  constructor(hashSeed: number, bytesMax: number, all: readonly SeriesCache[]) {
    this.#hashSeed = hashSeed;
    this.#bytesMax = bytesMax;
    this.#all = all;
    this.#current = new SeriesCacheTable(hashSeed);
    this.#previous = new SeriesCacheTable(hashSeed);
    this.#recent = new SeriesCacheTable(hashSeed);
  }

  get bytes(): number {
    return this.#current.bytes + this.#previous.bytes + this.#recent.bytes;
  }

  /** The reference of a series key, or -1. */
  find(view: DataView, start: number, end: number, hash: number): number {
    let entry = this.#current.keys.find(view, start, end, hash);
    if (entry >= 0) return entry << TABLE_BITS;
    entry = this.#recent.keys.find(view, start, end, hash);
    if (entry >= 0) return (entry << TABLE_BITS) | RECENT;
    entry = this.#previous.keys.find(view, start, end, hash);
    return entry >= 0 ? (entry << TABLE_BITS) | PREVIOUS : -1;
  }

  /** See ByteTable.matchLength. */
  matchLength(reference: number, view: DataView, start: number, end: number): number {
    return this.#tableOf(reference).keys.matchLength(entryOf(reference), view, start, end);
  }

  /** Whether a series key is the first `headEnd` bytes of one view and those from `start` to `end` of another. */
  isInTwo(
    reference: number,
    head: DataView,
    headEnd: number,
    view: DataView,
    start: number,
    end: number,
  ): boolean {
    return this.#tableOf(reference).keys.isInTwo(entryOf(reference), head, headEnd, view, start, end);
  }

  /** What a series key leads to: an accumulator, or the reference of a line about a family. */
  targetOf(reference: number): number {
    return this.#tableOf(reference).targets[entryOf(reference)]!;
  }

  /**
   * Notes that a series key came again. Returns the reference of the one that was learnt after it, which mostly comes next, as
   * series keys learnt from one push are entries in a row. References are not to be kept but for that guess.
   */
  used(reference: number): number {
    if ((reference & TABLE_MASK) !== CURRENT) this.#keep(this.#tableOf(reference), entryOf(reference));
    return reference + (1 << TABLE_BITS);
  }

  learn(view: DataView, start: number, end: number, target: number): void {
    if (end - start > SERIES_KEY_BYTES_MAX) return;
    const recent = this.#recent;
    const hash = recent.keys.hash(view, start, end);
    const known = this.find(view, start, end, hash);
    if (known >= 0) {
      this.#tableOf(known).targets[entryOf(known)] = target;
      return;
    }
    recent.add(view, start, end, hash, target);
    this.#evict();
  }

  clear(): void {
    for (const { keys } of [this.#current, this.#previous, this.#recent]) if (keys.size > 0) keys.clear();
  }

  #keep({ keys, targets }: SeriesCacheTable, entry: number): void {
    const view = keys.viewOf(entry);
    const start = keys.offsetOf(entry);
    const end = start + keys.lengthOf(entry);
    const hash = keys.hashOf(entry);
    const current = this.#current;
    if (current.keys.find(view, start, end, hash) >= 0) return;
    current.add(view, start, end, hash, targets[entry]!);
    if (current.bytes > (this.#bytesMax * 3) / 8) this.#turn();
    this.#evict();
  }

  /** Where there is more than there may be, whoever has more than its part forgets. */
  #evict(): void {
    let bytes = 0;
    for (const seriesCache of this.#all) bytes += seriesCache.bytes;
    while (bytes > this.#bytesMax) {
      const hasItsPart = this.bytes * this.#all.length >= this.#bytesMax;
      const largest = hasItsPart ? this : this.#all.reduce((a, b) => (b.bytes > a.bytes ? b : a));
      const before = largest.bytes;
      largest.#forgetSome();
      bytes += largest.bytes - before;
    }
  }

  #forgetSome(): void {
    const [recent, previous] = [this.#recent, this.#previous];
    if (recent.bytes * 8 >= this.#bytesMax) recent.keys.clear();
    else if (previous.bytes > 0) previous.keys.clear();
    else if (recent.bytes > 0) recent.keys.clear();
    else this.#current.keys.clear();
  }

  #turn(): void {
    this.#previous = this.#current;
    this.#current = new SeriesCacheTable(this.#hashSeed);
  }

  #tableOf(reference: number): SeriesCacheTable {
    const table = reference & TABLE_MASK;
    return table === CURRENT ? this.#current : table === RECENT ? this.#recent : this.#previous;
  }
}

class SeriesCacheTable {
  readonly keys: ByteTable;
  targets = new Int32Array(32);

  constructor(hashSeed: number) {
    this.keys = new ByteTable(hashSeed);
  }

  get bytes(): number {
    return this.keys.textBytes + this.keys.size * SERIES_KEY_BYTES;
  }

  add(view: DataView, start: number, end: number, hash: number, target: number): void {
    const entry = this.keys.insert(view, start, end, hash);
    if (entry >= this.targets.length) {
      const larger = new Int32Array(this.keys.capacity);
      larger.set(this.targets);
      this.targets = larger;
    }
    this.targets[entry] = target;
  }
}

function entryOf(reference: number): number {
  return reference >>> TABLE_BITS;
}

/** References below UNKNOWN are about a family: what its line is, and which family; of lines thrown away which text (discarded-texts.ts). */
export function metadataReference(id: number, what: MetadataKind): number {
  return -2 - (id * metadataKinds.length + metadataKinds.indexOf(what));
}

/** The other way round, for lines that are not thrown away. */
export function readMetadataReference(reference: number): {
  readonly family: number;
  readonly what: MetadataKind;
} {
  const code = -2 - reference;
  return {
    family: Math.floor(code / metadataKinds.length),
    what: metadataKinds[code % metadataKinds.length]!,
  };
}

/** The number of the text of a line that is thrown away, or -1 for all other references. */
export function discardedText(reference: number): number {
  const code = -2 - reference;
  return code >= 0 && code % metadataKinds.length === DISCARDED
    ? Math.floor(code / metadataKinds.length)
    : -1;
}
