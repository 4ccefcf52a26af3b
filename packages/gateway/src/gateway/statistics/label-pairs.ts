/**
 * How many series have each pair of a label and its value, in bounded memory: past the bound, pairs with few series are forgotten, as whoever
 * asks looks for those with many. Labels with few values keep all of theirs, and of others the number of values is estimated from then on.
 */
import { parseSeriesText, unescapeLabelValue } from '../../model/series-text.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import { BACKSLASH, QUOTE, viewOf } from '../../primitives/bytes.ts';
import { randomSeed } from '../../primitives/hash.ts';
import { copyColumn, Pace } from '../../primitives/pace.ts';
import { atOnce } from '../../primitives/turns.ts';
import { Distinct } from './distinct.ts';
import type { PairPlace } from './label-place.ts';

export interface PairBounds {
  /** A few thousand more come before it is looked at. */
  readonly pairsMax: number;
  readonly pairBytesMax: number;
  readonly labelsMax: number;
  readonly labelNameCharsMax: number;
}

/** About 50 MB, and as much again for a moment while some are forgotten. */
export const defaultPairBounds: PairBounds = {
  // With those few, no more than the half of the columns that would come next.
  pairsMax: 500_000,
  pairBytesMax: 32 * 1024 * 1024,
  labelsMax: 4096,
  labelNameCharsMax: 512 * 1024,
};

/** All pairs of a label are kept where it has its share, or less, of this part of what there may be. */
const NARROW_PART = 1 / 4;
/** So many pairs are looked at in one step. */
const STEP_PAIRS = 1024;
/** So many bytes are as much work to copy as a pair. */
const PAIR_BYTES = 256;
/** More than come between two looks, mostly: 32 rows of 64 labels, and bounds of buckets. */
const ROOM_PAIRS = 4096;
/** Counts by their powers of two. */
const POWERS = 33;
/** That a character takes at most, escaped as well. */
const CHAR_BYTES = 4;

interface CountedLabel {
  readonly name: string;
  /** With quotes and escapes, as in pairs. */
  readonly spelledBytes: number;
  /** What the label takes in all series. */
  bytes: number;
  /** Values that are in the table, and what they take there. */
  values: number;
  textBytes: number;
  /** All values there were, once some have been forgotten. */
  distinct: Distinct | undefined;
}

export class LabelPairs {
  readonly labels: CountedLabel[] = [];
  /** Some labels were not counted, as there are too many. */
  hasMoreLabels = false;
  /** Pairs with no more series may have been forgotten, and others may lack as many. */
  missedSeriesMax = 0;
  readonly #bounds: PairBounds;
  readonly #byName = new Map<string, number>();
  readonly #seed = randomSeed();
  #table = new ByteTable(this.#seed);
  #textBytes = 0;
  readonly #pace = new Pace();
  #nameChars = 0;
  /** By entry of the table: series, bytes as Prometheus keeps it, and which label it is of. */
  #series = new Uint32Array(0);
  #bytes = new Uint32Array(0);
  #label = new Uint16Array(0);
  #viewed: Uint8Array = new Uint8Array(0);
  #view = viewOf(this.#viewed);

  constructor(bounds: PairBounds) {
    this.#bounds = bounds;
  }

  /** Between any few rows: forgets small pairs where there are too many, and makes space for more, so that `add` takes no time for that. */
  *stayBounded(): Generator<void, void> {
    if (this.#isFull) yield* this.#forgetSmall();
    const { high, capacity } = this.#table;
    if (high + ROOM_PAIRS <= capacity) return;
    yield* this.#table.reserveInSteps(ROOM_PAIRS, this.#copy);
    yield* this.#fitColumns();
  }

  get #isFull(): boolean {
    return this.#table.size > this.#bounds.pairsMax || this.#textBytes > this.#bounds.pairBytesMax;
  }

  /** Entries of pairs run from 0 to here. */
  get high(): number {
    return this.#table.high;
  }

  add(bytes: Uint8Array, at: PairPlace, series: number): void {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = viewOf(bytes);
    }
    const { start, end } = at;
    const table = this.#table;
    const hash = table.hash(this.#view, start, end);
    let entry = table.find(this.#view, start, end, hash);
    if (entry === -1) {
      const label = this.#labelOf(textOf(bytes, start, at.nameEnd));
      if (label === undefined) return;
      entry = table.insert(this.#view, start, end, hash);
      if (entry >= this.#series.length) atOnce(this.#fitColumns());
      this.#series[entry] = 0;
      this.#bytes[entry] = labelBytes(
        unescapedBytes(bytes, start, at.nameEnd),
        unescapedBytes(bytes, at.nameEnd + 1, end),
      );
      this.#label[entry] = label;
      const counted = this.labels[label]!;
      counted.values += 1;
      counted.textBytes += end - start;
      this.#textBytes += end - start;
      counted.distinct?.add(hash);
    }
    this.#series[entry]! += series;
    this.labels[this.#label[entry]!]!.bytes += this.#bytes[entry]! * series;
  }

  seriesOf(entry: number): number {
    return this.#series[entry]!;
  }

  /** As `name=value`; of a value more than the first so many characters need not be there. */
  textOf(entry: number, charsMax: number): string {
    const { name, spelledBytes } = this.labels[this.#label[entry]!]!;
    const offset = this.#table.offsetOf(entry);
    // Behind the equals sign and the first quote, up to the last one.
    const start = offset + spelledBytes + 2;
    const end = offset + this.#table.lengthOf(entry) - 1;
    const value = textOf(this.#table.chunkOf(entry), start, Math.min(end, start + charsMax * CHAR_BYTES));
    return `${name}=${unescapeLabelValue(value)}`;
  }

  /** Forgets pairs with few series, until half of what there may be is left. */
  *#forgetSmall(): Generator<void, void> {
    const { pairsMax, pairBytesMax } = this.#bounds;
    const part = NARROW_PART / this.labels.length;
    const isWide = this.labels.map(
      ({ values, textBytes }) => values > pairsMax * part || textBytes > pairBytesMax * part,
    );
    const [pairs, bytes] = [new Float64Array(POWERS), new Float64Array(POWERS)];
    const table = this.#table;
    for (let entry = 0; entry < table.high; entry += 1) {
      if (entry % STEP_PAIRS === STEP_PAIRS - 1) yield;
      if (isWide[this.#label[entry]!] !== true) continue;
      const power = powerOf(this.#series[entry]!);
      pairs[power]! += 1;
      bytes[power]! += table.lengthOf(entry);
    }
    let [power, pairsLeft, bytesLeft] = [0, table.size, this.#textBytes];
    while (power < POWERS - 1 && (pairsLeft > pairsMax / 2 || bytesLeft > pairBytesMax / 2)) {
      power += 1;
      pairsLeft -= pairs[power]!;
      bytesLeft -= bytes[power]!;
    }
    this.missedSeriesMax += 2 ** power - 1;
    yield* this.#forget(isWide, power);
  }

  /** Makes the table anew, in its order, without pairs of such labels that have fewer series than two to this power. */
  *#forget(isWide: readonly boolean[], power: number): Generator<void, void> {
    const from = this.#table;
    const to = new ByteTable(this.#seed);
    yield* to.reserveInSteps(from.size, this.#copy);
    let work = 0;
    for (let entry = 0; entry < from.high; entry += 1) {
      if (work > STEP_PAIRS) {
        work = 0;
        yield;
      }
      const label = this.labels[this.#label[entry]!]!;
      const hash = from.hashOf(entry);
      const start = from.offsetOf(entry);
      const length = from.lengthOf(entry);
      work += 1;
      if (isWide[this.#label[entry]!] === true) {
        label.distinct ??= new Distinct();
        label.distinct.add(hash);
        if (powerOf(this.#series[entry]!) <= power) {
          label.values -= 1;
          label.textBytes -= length;
          this.#textBytes -= length;
          continue;
        }
      }
      work += length / PAIR_BYTES;
      const moved = to.insert(from.viewOf(entry), start, start + length, hash);
      // Written over is what has been read by now.
      this.#series[moved] = this.#series[entry]!;
      this.#bytes[moved] = this.#bytes[entry]!;
      this.#label[moved] = this.#label[entry]!;
    }
    this.#table = to;
  }

  #labelOf(spelled: string): number | undefined {
    const known = this.#byName.get(spelled);
    if (known !== undefined) return known;
    const { labelsMax, labelNameCharsMax } = this.#bounds;
    if (this.labels.length >= labelsMax || this.#nameChars + spelled.length > labelNameCharsMax) {
      this.hasMoreLabels = true;
      return undefined;
    }
    this.#nameChars += spelled.length;
    const { name } = parseSeriesText(`{${spelled}="x"}`).labels[0]!;
    this.#byName.set(spelled, this.labels.length);
    const spelledBytes = Buffer.byteLength(spelled);
    return (
      this.labels.push({ name, spelledBytes, bytes: 0, values: 0, textBytes: 0, distinct: undefined }) - 1
    );
  }

  *#fitColumns(): Generator<void, void> {
    const { capacity } = this.#table;
    this.#bytes = yield* this.#copy(this.#bytes, new Uint32Array(capacity));
    this.#label = yield* this.#copy(this.#label, new Uint16Array(capacity));
    this.#series = yield* this.#copy(this.#series, new Uint32Array(capacity));
  }

  readonly #copy = <T extends Uint32Array | Uint16Array>(from: T, to: T): Generator<void, T> =>
    copyColumn(this.#pace, from, to);
}

/** What a label takes in a series of Prometheus 3: its name and value, and before each its length. */
export function labelBytes(nameBytes: number, valueBytes: number): number {
  return nameBytes + valueBytes + lengthBytes(nameBytes) + lengthBytes(valueBytes);
}

function lengthBytes(length: number): number {
  return length < 255 ? 1 : 4;
}

/** Of a name or value as it is written, with quotes or without. */
function unescapedBytes(bytes: Uint8Array, start: number, end: number): number {
  let length = end - start;
  for (let i = start; i < end; i += 1) {
    if (bytes[i] === BACKSLASH) {
      length -= 1;
      i += 1;
    } else if (bytes[i] === QUOTE) length -= 1;
  }
  return length;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

function powerOf(series: number): number {
  return 32 - Math.clz32(series);
}
