/**
 * Most pushes repeat the one before: the same series in the same order, with other numbers. Such lines are read here in one
 * loop, without a call out of it for each line. That is why it reads numbers, too, and notes by itself what `PushBuilder.addKnown`
 * would: whatever is not the plain case is left to that, from the line on where the run ends.
 */
import { LF, SPACE } from '../primitives/bytes.ts';
import { readPlainDecimal } from '../primitives/float.ts';
import type { NumberEnd } from '../primitives/float.ts';
import { growColumns } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';

/** How far a push has come. */
export interface Cursor {
  /** Names this push in `seen`. */
  serial: number;
  /** By accumulator: the push that last had a sample of it. */
  seen: Uint32Array;
  /** The accumulator after the last one known, which is the best guess at what comes next. */
  nextAccumulator: number;
  /** Of the last sample known. */
  family: number;
  /** `readExpected` stopped because it was another text than that of `nextAccumulator`; there is no need to compare again. */
  missed: boolean;
}

/** The stamps have 32 bits: a day's worth of pushes at the highest rates. */
const SERIAL_MAX = 2 ** 32 - 1;

/** Puts the cursor at the beginning of another push; true when serials begin anew, so that no stamp means anything. */
export function beginPush(cursor: Cursor, accumulators: number): boolean {
  cursor.family = -1;
  cursor.nextAccumulator = 0;
  cursor.serial += 1;
  const isAnew = cursor.serial > SERIAL_MAX;
  if (isAnew) {
    cursor.serial = 1;
    cursor.seen.fill(0);
  }
  if (accumulators > cursor.seen.length) cursor.seen = new Uint32Array(accumulators);
  return isAnew;
}

/** What `readExpected` writes to. */
export interface ExpectedRun {
  /** Whether to stop where the samples of another family begin. */
  withinFamily: boolean;
  readonly accumulators: Accumulators;
  readonly batch: Batch;
  readonly cursor: Cursor;
  /** Told of each family that has samples. */
  readonly families: { sampleKnown(family: number): void };
}

const number: NumberEnd = { end: 0 };

/**
 * Reads lines from `start` on into the batch, as long as each is the text of the next accumulator, a blank, and a plain decimal of zero
 * or more; returns where the first other line begins. Such a number is good for an accumulator of any kind, so nothing is
 * checked here but that no accumulator is given twice.
 */
export function readExpected(view: DataView, start: number, end: number, run: ExpectedRun): number {
  const { accumulators, batch, cursor } = run;
  const { texts, kind: kinds, family: families } = accumulators;
  const { seen, serial } = cursor;
  let { grouped } = batch;
  let length = batch.length;
  let position = start;
  let missed = false;
  let accumulator = cursor.nextAccumulator;
  while (position < end) {
    const textLength = texts.matchLength(accumulator, view, position, end);
    const blank = position + textLength;
    if (textLength < 0 || blank >= end || view.getUint8(blank) !== SPACE) {
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
    accumulator += 1;
    position = stop + 1;
  }
  batch.samples += length - batch.length;
  batch.length = length;
  batch.grouped = grouped;
  cursor.nextAccumulator = accumulator;
  cursor.missed = missed;
  return Math.min(position, end);
}
