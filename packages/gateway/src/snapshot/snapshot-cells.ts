/** Cells in snapshots: as they were at the moment, of those that were not free then. */
import { viewOf } from '../primitives/bytes.ts';
import { CellKind } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import { exemplarColumns } from './snapshot-exemplars.ts';
import { Tag } from './snapshot-parts.ts';
import type { Part } from './snapshot-parts.ts';

/** With about 80 bytes of text a cell, a part is a mebibyte then. */
const ROWS_MAX = 8192;
const TEXT_BYTES = 640 * 1024;

export interface FrozenCells {
  readonly kind: Uint8Array;
  readonly contributors: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

/** In rows of free cells only the kind means something: the number may be that of a later cell by now. */
export function* cellParts(cells: Cells, { kind, contributors, hi, lo }: FrozenCells): Generator<Part, void> {
  const text = new Uint8Array(TEXT_BYTES);
  const view = viewOf(text);
  const lengths = new Uint16Array(ROWS_MAX);
  for (let from = 0; from < kind.length;) {
    const { texts } = cells;
    let to = from;
    let used = 0;
    for (const stop = Math.min(from + ROWS_MAX, kind.length); to < stop; to += 1) {
      const length = kind[to] === CellKind.FREE ? 0 : texts.lengthOf(to);
      if (used + length > TEXT_BYTES) break;
      lengths[to - from] = length;
      if (length > 0) used = texts.copyTo(to, view, used);
    }
    yield {
      tag: Tag.CELLS,
      from,
      rows: to - from,
      columns: [
        kind.subarray(from, to),
        cells.family.subarray(from, to),
        cells.composite.subarray(from, to),
        cells.bound.subarray(from, to),
        contributors.subarray(from, to),
        cells.startMs.subarray(from, to),
        hi.subarray(from, to),
        lo.subarray(from, to),
        lengths.subarray(0, to - from),
        text.subarray(0, used),
        ...exemplarColumns(cells, kind, from, to),
      ],
    };
    from = to;
  }
}
