/** Sums that two doubles do not hold, which are rare, in snapshots. */
import { packSpilled } from '../primitives/exact-sums.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';
import type { State } from '../state/state.ts';

const ROWS_MAX = 512;

/** As ExactSums has them. */
export interface SpilledSums {
  readonly rows: readonly number[];
  readonly sums: readonly Parameters<typeof packSpilled>[0][];
}

export function* freezeSpilled({ accumulators, pace }: State): Generator<void, SpilledSums> {
  const spilled: (readonly [row: number, sum: SpilledSums['sums'][number]])[] = [];
  for (const each of accumulators.sums.spilled()) {
    spilled.push(each);
    if (pace.isFull(1)) yield;
  }
  // They lie in the order in which they spilled, which a restart changes.
  spilled.sort(([one], [other]) => one - other);
  return { rows: spilled.map(([row]) => row), sums: spilled.map(([, sum]) => sum) };
}

export function* spilledParts({ rows, sums }: SpilledSums): Generator<Part, void> {
  for (let from = 0; from < rows.length; from += ROWS_MAX) {
    const accumulators = rows.slice(from, from + ROWS_MAX);
    const packed = sums.slice(from, from + ROWS_MAX).map(packSpilled);
    yield {
      tag: Tag.SPILLED,
      from,
      rows: accumulators.length,
      columns: [
        Uint32Array.from(accumulators),
        Uint32Array.from(packed, ({ length }) => length),
        Float64Array.from(packed.flat()),
      ],
    };
  }
}

export function* readSpilled(part: PartReader, { accumulators, pace }: State): Generator<void, void> {
  const rows = part.u32();
  const lengths = part.u32();
  const numbers = part.numbers();
  let at = 0;
  for (const [i, accumulator] of rows.entries()) {
    const end = at + lengths[i]!;
    if (
      accumulator >= accumulators.texts.high ||
      !accumulators.sums.restoreSpilled(accumulator, [...numbers.subarray(at, end)])
    )
      throw broken(`accumulator ${accumulator} has no sum that spilled`);
    at = end;
    if (pace.isFull(1)) yield;
  }
  if (at !== numbers.length) throw broken('sums are cut off');
}
