/** When series were last named, in snapshots; without rules that have series expire there is no such part. */
import type { FrozenTimes } from '../store/last-named.ts';
import type { State } from '../state/state.ts';
import { namesSeries } from '../state/drop-series.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const ROWS_MAX = 1 << 16;

export function* lastNamedParts(frozen: readonly FrozenTimes[]): Generator<Part, void> {
  const accumulators = new Uint32Array(frozen.length > 0 ? ROWS_MAX : 0);
  const timesMs = new Float64Array(accumulators.length);
  let [from, rows] = [0, 0];
  const part = (): Part => ({
    tag: Tag.LAST_NAMED,
    from,
    rows,
    columns: [accumulators.subarray(0, rows), timesMs.subarray(0, rows)],
  });
  for (const page of frozen) {
    for (const [i, timeMs] of page.timesMs.entries()) {
      if (timeMs === 0) continue;
      accumulators[rows] = page.from + i;
      timesMs[rows] = timeMs;
      rows += 1;
      if (rows < ROWS_MAX) continue;
      yield part();
      from += rows;
      rows = 0;
    }
  }
  if (rows > 0) yield part();
}

export function* readLastNamed(part: PartReader, { accumulators, pace }: State): Generator<void, void> {
  const { lastNamed } = accumulators;
  const named = part.u32();
  const timesMs = part.f64();
  for (const [i, accumulator] of named.entries()) {
    if (lastNamed === undefined || accumulator >= accumulators.texts.high || !(timesMs[i]! > 0))
      throw broken(`accumulator ${accumulator} was last named at ${timesMs[i]}`);
    lastNamed.set(accumulator, timesMs[i]!);
    if (pace.isFull(1)) yield;
  }
}

/** What has a time names a series. */
export function* verifyLastNamed({ accumulators, pace }: State): Generator<void, void> {
  const { lastNamed } = accumulators;
  if (lastNamed === undefined) return;
  let size = 0;
  for (let accumulator = lastNamed.nextFrom(0); accumulator < lastNamed.end;) {
    if (lastNamed.timeMsOf(accumulator) > 0) {
      size += 1;
      if (!namesSeries(accumulators, accumulator))
        throw broken(`accumulator ${accumulator} names no series, and was named`);
    }
    accumulator = lastNamed.nextFrom(accumulator + 1);
    if (pace.isFull(1)) yield;
  }
  if (size !== lastNamed.size) throw broken(`${size} of ${lastNamed.size} series were named`);
}
