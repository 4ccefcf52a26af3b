/** What the samples that match are made: a list of series, of label names or of a label's values. */
import type { Listed } from '../api.ts';
import type { Part } from './parts.ts';
import type { Rows } from './rows.ts';

export interface List {
  /** Whatever comes changes nothing any more. */
  readonly isFull: boolean;
  /** Of each name one sample is enough. */
  readonly isOfNames: boolean;
  /** A sample that matches: of the row, or of its bucket with this bound. Returns how much work it was. */
  add(part: Part, rows: Rows, row: number, bound: number | undefined): number;
  finish(): Generator<void, Listed>;
}

/** As Prometheus says it. */
export const CUT_BY_LIMIT = 'results truncated due to limit';

export function cutByBytes(bytesMax: number): string {
  return `results truncated: they exceed ${bytesMax} bytes; ask for less`;
}
