/** What gauges with a window hold, in snapshots; without rules that give them one there is no such part. */
import type { State } from '../state/state.ts';
import { isExtreme } from '../store/policies.ts';
import { SLOTS } from '../store/windows.ts';
import type { FrozenWindows } from '../store/windows.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const ROWS_MAX = 1 << 13;

export function* windowParts(frozen: FrozenWindows): Generator<Part, void> {
  for (let from = 0; from < frozen.size; from += ROWS_MAX) {
    const to = Math.min(from + ROWS_MAX, frozen.size);
    const { accumulators, slotsMs, newest, values } = frozen.rows(from, to);
    yield { tag: Tag.WINDOWS, from, rows: to - from, columns: [accumulators, slotsMs, newest, values] };
  }
}

export function* readWindows(part: PartReader, { accumulators, pace }: State): Generator<void, void> {
  const { windows } = accumulators;
  const named = part.u32();
  const slotsMs = part.f64();
  const newest = part.f64();
  const values = part.numbers();
  if (windows === undefined || values.length !== part.rows * SLOTS)
    throw broken(`${part.rows} windows with ${values.length} values`);
  for (const [i, accumulator] of named.entries()) {
    const isOne =
      accumulator < accumulators.texts.high &&
      !windows.has(accumulator) &&
      Number.isSafeInteger(slotsMs[i]) &&
      slotsMs[i]! > 0 &&
      Number.isSafeInteger(newest[i]) &&
      newest[i]! >= 0;
    if (!isOne) throw broken(`accumulator ${accumulator} has a window in slots of ${slotsMs[i]} ms`);
    windows.restore({
      accumulator,
      slotMs: slotsMs[i]!,
      newest: newest[i]!,
      values: values.subarray(i * SLOTS, (i + 1) * SLOTS),
    });
    if (pace.isFull(1)) yield;
  }
}

/** What has a window is the largest or smallest value of it. */
export function* verifyWindows({ accumulators, pace }: State): Generator<void, void> {
  const { windows, kind, sums } = accumulators;
  for (let ring = 0; ring < (windows?.size ?? 0); ring += 1) {
    const accumulator = windows!.accumulatorAt(ring);
    if (!isExtreme(kind[accumulator]!))
      throw broken(`accumulator ${accumulator} of kind ${kind[accumulator]} has a window`);
    const extreme = windows!.extremeOf(accumulator);
    // Nothing came so far to a gauge that was a start time before.
    if (!Number.isNaN(extreme) && extreme !== sums.get(accumulator))
      throw broken(
        `accumulator ${accumulator} has a total of ${sums.get(accumulator)}, and its window ${extreme}`,
      );
    if (pace.isFull(1)) yield;
  }
}
