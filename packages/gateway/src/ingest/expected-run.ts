/**
 * Most pushes repeat the one before: the same series in the same order, with other numbers. Such lines are read here in one
 * loop, without a call out of it for each line. That is why it reads numbers, too, and notes by itself what `PushBuilder.addKnown`
 * would: whatever is not the plain case is left to that, from the line on where the run ends.
 */
import { LF, SPACE } from '../primitives/bytes.ts';
import { readPlainDecimal } from '../primitives/float.ts';
import type { NumberEnd } from '../primitives/float.ts';
import { copyNonZero } from '../primitives/pace.ts';
import { growColumns } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';
import type { ReorderedLabels } from './reordered-labels.ts';

/** How far a push has come. */
export interface Cursor {
  /** Names this push in `seen`. */
  serial: number;
  /** By accumulator: the push that last had a sample of it. */
  seen: Uint32Array;
  /** By accumulator: how far from the number after it the one was that came next, the last time that was another. */
  skips: Int32Array;
  /** The last one known, or -1. */
  accumulator: number;
  /** The accumulator that came after that the last time, or else its neighbour: the best guess at what comes next. */
  nextAccumulator: number;
  /** Of the last sample known. */
  family: number;
  /** `readExpected` stopped because it was another text than that of `nextAccumulator`; there is no need to compare again. */
  missed: boolean;
}

export function newCursor(): Cursor {
  return {
    serial: 0,
    seen: new Uint32Array(0),
    skips: new Int32Array(0),
    accumulator: -1,
    nextAccumulator: 0,
    family: -1,
    missed: false,
  };
}

/** The stamps have 32 bits: a day's worth of pushes at the highest rates. */
const SERIAL_MAX = 2 ** 32 - 1;

/** Puts the cursor at the beginning of another push; true when serials begin anew, so that no stamp means anything. */
export function beginPush(cursor: Cursor, accumulators: number): boolean {
  cursor.family = -1;
  cursor.accumulator = -1;
  cursor.nextAccumulator = 0;
  cursor.serial += 1;
  const isAnew = cursor.serial > SERIAL_MAX;
  if (isAnew) {
    cursor.serial = 1;
    cursor.seen.fill(0);
  }
  // Stamps of pushes before mean nothing.
  if (accumulators > cursor.seen.length) growCursor(cursor, accumulators, new Uint32Array(0));
  return isAnew;
}

/** Makes room for so many accumulators. */
export function growCursor(cursor: Cursor, accumulators: number, seen: Uint32Array = cursor.seen): void {
  if (accumulators <= cursor.seen.length) return;
  cursor.seen = new Uint32Array(accumulators);
  cursor.seen.set(seen);
  const { skips } = cursor;
  cursor.skips = new Int32Array(accumulators);
  copyNonZero(skips, cursor.skips, 0);
}

/** Puts the cursor behind a sample of this accumulator. */
export function pass(cursor: Cursor, accumulator: number): void {
  const { skips } = cursor;
  const before = cursor.accumulator;
  if (accumulator !== cursor.nextAccumulator && before >= 0) skips[before] = accumulator - before - 1;
  cursor.accumulator = accumulator;
  cursor.nextAccumulator = accumulator + 1 + skips[accumulator]!;
}

/** What `readExpected` writes to. */
export interface ExpectedRun {
  /** Whether to stop where the samples of another family begin. */
  withinFamily: boolean;
  readonly accumulators: Accumulators;
  readonly reordered: ReorderedLabels;
  readonly batch: Batch;
  readonly cursor: Cursor;
  /** Told of each family that has samples. */
  readonly families: {
    sampleKnown(family: number): void;
    /** A line has said something of a family, so that samples may be of others than they were. */
    readonly meaningsChanged: boolean;
  };
}

const number: NumberEnd = { end: 0 };

/**
 * Reads lines from `start` on into the batch, as long as each is the text of the next accumulator, its labels sorted or in the order to
 * be expected, a blank, and a plain decimal of zero or more; returns where the first other line begins. Such a number is good for an
 * accumulator of any kind, so nothing is checked here but that no accumulator is given twice.
 */
export function readExpected(view: DataView, start: number, end: number, run: ExpectedRun): number {
  const { accumulators, reordered, batch, cursor } = run;
  const { texts, kind: kinds, family: families } = accumulators;
  const { seen, serial, skips } = cursor;
  let { grouped } = batch;
  let length = batch.length;
  let position = start;
  let missed = false;
  // Where one line is, the next ones mostly are.
  let isReordered = false;
  let before = cursor.accumulator;
  let accumulator = cursor.nextAccumulator;
  while (position < end) {
    let textLength = isReordered ? -1 : texts.matchLength(accumulator, view, position, end);
    if (textLength < 0) {
      textLength = reordered.matchLength(accumulator, view, position, end);
      missed = textLength < 0 && !isReordered;
      isReordered = true;
    }
    const blank = position + textLength;
    if (textLength < 0) break;
    if (blank >= end || view.getUint8(blank) !== SPACE) {
      missed = true;
      break;
    }
    const value = readPlainDecimal(view, blank + 1, end, number);
    const stop = number.end;
    if (!(value >= 0) || (stop < end && view.getUint8(stop) !== LF)) break;
    const kind = kinds[accumulator]! as AccumulatorKind;
    if (kind === AccumulatorKind.FREE || seen[accumulator] === serial) break;
    const family = families[accumulator]!;
    if (family !== cursor.family) {
      if (run.withinFamily) break;
      cursor.family = family;
      run.families.sampleKnown(family);
    }
    seen[accumulator] = serial;
    grouped ||= isGrouped(kind);
    if (length === batch.accumulators.length) growColumns(batch);
    batch.accumulators[length] = accumulator;
    batch.values[length] = value;
    batch.offsets[length] = position;
    length += 1;
    before = accumulator;
    accumulator += 1 + skips[accumulator]!;
    position = stop + 1;
  }
  batch.samples += length - batch.length;
  batch.length = length;
  batch.grouped = grouped;
  cursor.accumulator = before;
  cursor.nextAccumulator = accumulator;
  cursor.missed = missed;
  return Math.min(position, end);
}
