/** When series were last named, by anybody or by senders that add, in snapshots; without rules that have series expire there is no such part. */
import type { Pace } from '../primitives/pace.ts';
import type { FrozenTimes, LastNamed } from '../store/last-named.ts';
import type { State } from '../state/state.ts';
import { namesSeries } from '../state/drop-series.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const ROWS_MAX = 1 << 16;

export function* lastNamedParts(tag: Tag, frozen: readonly FrozenTimes[]): Generator<Part, void> {
  const accumulators = new Uint32Array(frozen.length > 0 ? ROWS_MAX : 0);
  const timesMs = new Float64Array(accumulators.length);
  let [from, rows] = [0, 0];
  const part = (): Part => ({
    tag,
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

export function* readLastNamed(
  part: PartReader,
  { accumulators, pace }: State,
  lastNamed: LastNamed | undefined,
): Generator<void, void> {
  const named = part.u32();
  const timesMs = part.f64();
  for (const [i, accumulator] of named.entries()) {
    if (lastNamed === undefined || accumulator >= accumulators.texts.high || !(timesMs[i]! > 0))
      throw broken(`accumulator ${accumulator} was last named at ${timesMs[i]}`);
    lastNamed.set(accumulator, timesMs[i]!);
    if (pace.isFull(1)) yield;
  }
}

/** What has a time names a series; what senders that add have of it may expire, and has a time for all as well. */
export function* verifyLastNamed({ accumulators, sources, pace }: State): Generator<void, void> {
  const { lastNamed, common } = accumulators;
  if (lastNamed === undefined || common.named === undefined) return;
  yield* verifyTimes(lastNamed, pace, (accumulator) => namesSeries(accumulators, accumulator));
  yield* verifyTimes(
    common.named,
    pace,
    (accumulator) => sources.common.mayExpire(accumulator) && lastNamed.timeMsOf(accumulator) > 0,
  );
}

function* verifyTimes(
  lastNamed: LastNamed,
  pace: Pace,
  isNamed: (accumulator: number) => boolean,
): Generator<void, void> {
  let size = 0;
  for (let accumulator = lastNamed.nextFrom(0); accumulator < lastNamed.end;) {
    if (lastNamed.timeMsOf(accumulator) > 0) {
      size += 1;
      if (!isNamed(accumulator)) throw broken(`accumulator ${accumulator} names no series, and was named`);
    }
    accumulator = lastNamed.nextFrom(accumulator + 1);
    if (pace.isFull(1)) yield;
  }
  if (size !== lastNamed.size) throw broken(`${size} of ${lastNamed.size} series were named`);
}
