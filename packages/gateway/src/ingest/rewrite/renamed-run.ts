/**
 * What ingest/expected-run.ts is to series keys that are the text of a series, this is to those of which it is known what rules make of
 * them: keys that follow one another as the last time are read in one loop, straight into the batch.
 */
import { LF, SPACE } from '../../primitives/bytes.ts';
import { readPlainDecimal } from '../../primitives/float.ts';
import type { NumberEnd } from '../../primitives/float.ts';
import { growColumns } from '../../store/batch.ts';
import { AccumulatorKind, isGrouped } from '../../store/policies.ts';
import type { ExpectedRun } from '../expected-run.ts';
import type { KnownKeys } from './known-keys.ts';
import type { SingleGroups } from './single-groups.ts';

const number: NumberEnd = { end: 0 };

/**
 * Reads lines from `start` on into the batch, as long as each is the next key, whose accumulator was learnt, a blank, and a plain decimal of
 * zero or more; returns where the first other line begins.
 */
export function readRenamed(
  view: DataView,
  { start, end }: { readonly start: number; readonly end: number },
  of: {
    readonly run: ExpectedRun;
    readonly keys: KnownKeys;
    /** Undefined where several groups may be of one composite series. */
    readonly singles: SingleGroups | undefined;
  },
): number {
  const { run, keys: known, singles } = of;
  const { keys, accumulators: learnt, skips, groups } = known.table;
  const { accumulators, batch, cursor } = run;
  const { kind: kinds, family: families, composite: compositeOf } = accumulators;
  const { seen, serial } = cursor;
  let { grouped } = batch;
  let length = batch.length;
  let position = start;
  let { key: before, next: key } = known;
  let missed = false;
  while (position < end) {
    const keyLength = keys.matchLength(key, view, position, end);
    const blank = position + keyLength;
    missed = keyLength < 0 || blank >= end || view.getUint8(blank) !== SPACE;
    if (missed) break;
    const accumulator = learnt[key]!;
    if (accumulator < 0 || seen[accumulator] === serial) break;
    const value = readPlainDecimal(view, blank + 1, end, number);
    const stop = number.end;
    if (!(value >= 0) || (stop < end && view.getUint8(stop) !== LF)) break;
    const kind = kinds[accumulator]! as AccumulatorKind;
    if (kind === AccumulatorKind.FREE) break;
    if (isGrouped(kind)) {
      if (singles?.isOnly(compositeOf[accumulator]!, groups[key]!) === false) break;
      grouped = true;
    }
    const family = families[accumulator]!;
    if (family !== cursor.family) {
      if (run.withinFamily) break;
      cursor.family = family;
      run.families.sampleKnown(family);
    }
    seen[accumulator] = serial;
    if (length === batch.accumulators.length) growColumns(batch);
    batch.accumulators[length] = accumulator;
    batch.values[length] = value;
    batch.offsets[length] = position;
    length += 1;
    before = key;
    key += 1 + skips[key]!;
    position = stop + 1;
  }
  batch.samples += length - batch.length;
  batch.length = length;
  batch.grouped = grouped;
  known.key = before;
  known.next = key;
  known.missed = missed;
  return Math.min(position, end);
}
