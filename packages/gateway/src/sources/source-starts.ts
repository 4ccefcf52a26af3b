/**
 * In by-job mode with `accumulate`: since when each series of a source has counted, as the source says. By that a restart is told from a
 * push that comes late, whatever the values are.
 *
 * A start time is a contribution of its own, after all others of the source: to the accumulator `~c`, for the counter or count `c`. So
 * series without one cost nothing.
 *
 * Behind these come orders, in the same way, and in the order of what they are of: for the gauge `g` of which the newest value is shown, `~g`
 * has the number of the push that the value came with (derived-totals.ts). What is said of start times here holds for both, where it is not about counters.
 *
 * Among start times there is `~b` for the bucket `+Inf` of a histogram that rules have given other bounds since the source pushed it (folded-contributions.ts):
 * that its next push has other bounds is no restart. It goes with that push, as start times do.
 */
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Contributions } from './contributions.ts';
import type { Pace } from '../primitives/pace.ts';
import { AccumulatorKind, hasStartTime, isContributed, isNewest } from '../store/policies.ts';

/** Start times that differ by no more are the same: they have passed through formats and clocks that round. */
const SAME_MS = 1000;

/** Whether a contribution is a start time. */
export function isStart(accumulator: number): boolean {
  return accumulator < 0;
}

/** The counter or count whose start time a contribution is. */
export function startedAccumulator(accumulator: number): number {
  return ~accumulator;
}

/** The contribution that is the start time of a counter or count. */
export function startOf(accumulator: number): number {
  return ~accumulator;
}

/** How many contributions of what is open are no start times. */
export function lengthWithoutStarts({ accumulators, accumulatorsAt, length }: Contributions): number {
  let end = length;
  while (end > 0 && isStart(accumulators[accumulatorsAt + end - 1]!)) end -= 1;
  return end;
}

/** Whether the start times of what is open, from an entry on, are those of the batch, in its order. */
export function hasSameStarts(
  { accumulators, accumulatorsAt, values, valuesAt }: Contributions,
  at: number,
  batch: Batch,
): boolean {
  return batch.began.every(
    ({ accumulator, startMs }, i) =>
      accumulators[accumulatorsAt + at + i] === startOf(accumulator) &&
      isSame(values[valuesAt + at + i]!, startMs),
  );
}

function isSame(beforeMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - beforeMs) <= SAME_MS;
}

/** How many orders there are at the end of what is open. */
export function orderCount(
  { accumulators, accumulatorsAt, length }: Contributions,
  { kind }: Accumulators,
): number {
  let from = length;
  while (from > 0 && isOrder(accumulators[accumulatorsAt + from - 1]!, kind)) from -= 1;
  return length - from;
}

function isOrder(accumulator: number, kind: Accumulators['kind']): boolean {
  return isStart(accumulator) && isNewest(kind[startedAccumulator(accumulator)]!);
}

/** The orders of what is open, by accumulator. */
export function* ordersOf(
  own: Contributions,
  accumulators: Accumulators,
  pace: Pace,
): Generator<void, ReadonlyMap<number, number>> {
  const orders = new Map<number, number>();
  for (let at = own.length - orderCount(own, accumulators); at < own.length; at += 1) {
    orders.set(
      startedAccumulator(own.accumulators[own.accumulatorsAt + at]!),
      own.values[own.valuesAt + at]!,
    );
    if (pace.isFull(1)) yield;
  }
  return orders;
}

/** Histograms whose bounds rules have changed since the owner of what is open pushed them. */
export function* reboundOf(
  own: Contributions,
  { kind, composite }: Accumulators,
  pace: Pace,
): Generator<void, ReadonlySet<number>> {
  const rebound = new Set<number>();
  for (let at = lengthWithoutStarts(own); at < own.length; at += 1) {
    const accumulator = startedAccumulator(own.accumulators[own.accumulatorsAt + at]!);
    if (kind[accumulator] === AccumulatorKind.BUCKET) rebound.add(composite[accumulator]!);
    if (pace.isFull(1)) yield;
  }
  return rebound;
}

/** What start times say of the series of a push. */
export interface Began {
  /** Since when to note for each accumulator that said it. */
  readonly startMs: ReadonlyMap<number, number>;
  /** Counters and counts that have gone on since the push before, and those that have begun anew. */
  readonly same: ReadonlySet<number>;
  readonly anew: ReadonlySet<number>;
}

/** What the start times of a batch say, held against those of what is open. */
export function* readBegan(own: Contributions, batch: Batch, pace: Pace): Generator<void, Began> {
  const before = yield* startsBefore(own, pace);
  const startMs = new Map<number, number>();
  const same = new Set<number>();
  const anew = new Set<number>();
  for (const began of batch.began) {
    if (pace.isFull(1)) yield;
    const { accumulator } = began;
    if (startMs.has(accumulator)) continue;
    const known = before.get(accumulator);
    const isKnown = known !== undefined && isSame(known, began.startMs);
    // So that many small steps come to a large one.
    startMs.set(accumulator, isKnown ? known : began.startMs);
    if (known !== undefined) (isKnown ? same : anew).add(accumulator);
  }
  return { startMs, same, anew };
}

function* startsBefore(own: Contributions, pace: Pace): Generator<void, ReadonlyMap<number, number>> {
  const starts = new Map<number, number>();
  for (let at = lengthWithoutStarts(own); at < own.length; at += 1) {
    starts.set(
      startedAccumulator(own.accumulators[own.accumulatorsAt + at]!),
      own.values[own.valuesAt + at]!,
    );
    if (pace.isFull(1)) yield;
  }
  return starts;
}

/**
 * Whether a batch is older than what is open: a series has an older start, or the same start and a smaller value. Nothing of it
 * has been applied yet.
 */
export function* isLate(
  {
    accumulators,
    own,
    pace,
  }: { readonly accumulators: Accumulators; readonly own: Contributions; readonly pace: Pace },
  batch: Batch,
): Generator<void, boolean> {
  if (lengthWithoutStarts(own) === own.length) return false;
  const goesOn = yield* hasNotFallen({ accumulators, own, pace }, batch);
  if (goesOn && hasSameStarts(own, own.length - batch.began.length, batch)) return false;
  const before = yield* startsBefore(own, pace);
  const same = new Map<number, number>();
  for (const { accumulator, startMs } of batch.began) {
    if (pace.isFull(1)) yield;
    const known = before.get(accumulator);
    if (known === undefined) continue;
    if (isSame(known, startMs)) same.set(accumulator, Number.NEGATIVE_INFINITY);
    else if (startMs < known) return true;
  }
  for (let at = 0; at < own.length; at += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = own.accumulators[own.accumulatorsAt + at]!;
    if (same.has(accumulator)) same.set(accumulator, own.values[own.valuesAt + at]!);
  }
  for (let i = 0; i < batch.length; i += 1) {
    if (pace.isFull(1)) yield;
    const known = same.get(batch.accumulators[i]!);
    if (known !== undefined && batch.values[i]! < known) return true;
  }
  return false;
}

/** Whether the batch names what is open in its order, and no counter or count is smaller. A look at each, for the usual case. */
function* hasNotFallen(
  {
    accumulators,
    own,
    pace,
  }: { readonly accumulators: Accumulators; readonly own: Contributions; readonly pace: Pace },
  batch: Batch,
): Generator<void, boolean> {
  let at = 0;
  for (let i = 0; i < batch.length; i += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = batch.accumulators[i]!;
    const kind = accumulators.kind[accumulator]!;
    if (at < own.length && own.accumulators[own.accumulatorsAt + at] === accumulator && accumulator >= 0) {
      if (hasStartTime(kind) && batch.values[i]! < own.values[own.valuesAt + at]!) return false;
      at += 1;
    } else if (isContributed(kind)) return false;
  }
  return at + batch.began.length === own.length;
}
