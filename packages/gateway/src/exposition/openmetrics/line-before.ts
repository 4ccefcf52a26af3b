/**
 * Start times nearly always stand in the line after a sample of their series, with the same labels in the same bytes. Where that
 * line was read by the sink itself, all that is known of it is where it ends.
 *
 *   foo_total{a="1"} 3
 *   foo_created{a="1"} 1.7e9        compared from the end of the labels to the left: labels, suffix, name, line feed
 */
import { LF, sameBytes, SPACE } from '../../primitives/bytes.ts';
import { Role, roleAt } from './family-types.ts';
import type { FamilyType } from './family-types.ts';

/** Longer than the numbers that a sink reads. */
const NUMBER_BYTES_MAX = 32;
/** `_created`, `_sum`, and `_total` or `_count`. */
export const CREATED_BYTES = 8;
const SUM_BYTES = 4;
const COUNT_BYTES = 6;
const LAST_OF_SUM = 0x6d;

/** A sample by the places in the body where it starts, where its labels start, and where they end. */
interface SeriesAt {
  readonly start: number;
  readonly labels: number;
  readonly end: number;
}

/** Where name and labels end in a line that ends before `position` in a blank and a plain number. */
export function seriesEndBefore(view: DataView, position: number): number {
  let at = position - 2;
  const farthest = Math.max(0, at - NUMBER_BYTES_MAX);
  while (at > farthest && view.getUint8(at) !== SPACE) at -= 1;
  return at;
}

/**
 * Whether the line whose name and labels end at `seriesEnd` is of the same series as a start time: it has the same labels, and all
 * labels of the series (no `le`, no `quantile`).
 */
export function isSameSeries(
  view: DataView,
  seriesEnd: number,
  created: SeriesAt,
  { roles }: FamilyType,
): boolean {
  const nameLength = created.labels - created.start - CREATED_BYTES;
  const length = created.end - created.labels;
  const nameEnd = seriesEnd - length;
  if (nameEnd < 1) return false;
  const suffixLength = view.getUint8(nameEnd - 1) === LAST_OF_SUM ? SUM_BYTES : COUNT_BYTES;
  const suffix = nameEnd - suffixLength;
  const start = suffix - nameLength;
  if (start < 1 || view.getUint8(start - 1) !== LF) return false;
  if (!sameBytes(view, start, view, created.start, nameLength)) return false;
  const wanted = suffixLength === SUM_BYTES ? Role.SUM : Role.TOTAL | Role.COUNT;
  if ((roleAt(view, suffix, created.start) & wanted & roles) === 0) return false;
  return sameBytes(view, nameEnd, view, created.labels, length);
}
