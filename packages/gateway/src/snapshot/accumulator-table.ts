/** Accumulators in snapshots: as they were at the moment, of those that were not free then. */
import { viewOf } from '../primitives/bytes.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { exemplarColumns } from './exemplar-columns.ts';
import { Tag } from './parts.ts';
import type { Part } from './parts.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** With about 80 bytes of text an accumulator, a part is a mebibyte then. */
const ROWS_MAX = 8192;
const TEXT_BYTES = 640 * 1024;

interface FrozenAccumulators {
  readonly kind: Uint8Array;
  readonly contributors: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

/** In rows of free accumulators only the kind means something: the number may be that of a later accumulator by now. */
export function* accumulatorParts(
  accumulators: Accumulators,
  { kind, contributors, hi, lo }: FrozenAccumulators,
): Generator<Part, void> {
  const text = new Uint8Array(TEXT_BYTES);
  const view = viewOf(text);
  const lengths = new Uint16Array(ROWS_MAX);
  for (let from = 0; from < kind.length;) {
    const { texts } = accumulators;
    let to = from;
    let used = 0;
    for (const stop = Math.min(from + ROWS_MAX, kind.length); to < stop; to += 1) {
      const length = kind[to] === AccumulatorKind.FREE ? 0 : texts.lengthOf(to);
      if (used + length > TEXT_BYTES) break;
      lengths[to - from] = length;
      if (length > 0) used = texts.copyTo(to, view, used);
    }
    yield {
      tag: Tag.ACCUMULATORS,
      from,
      rows: to - from,
      columns: [
        kind.subarray(from, to),
        accumulators.family.subarray(from, to),
        accumulators.composite.subarray(from, to),
        accumulators.bound.subarray(from, to),
        contributors.subarray(from, to),
        accumulators.startMs.subarray(from, to),
        hi.subarray(from, to),
        lo.subarray(from, to),
        lengths.subarray(0, to - from),
        text.subarray(0, used),
        ...exemplarColumns(accumulators, kind, from, to),
      ],
    };
    from = to;
  }
}
