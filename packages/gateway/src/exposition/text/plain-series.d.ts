/**
 * Recognizes series that are written in the canonical way already, as most clients do, so that a series seen for the first
 * time need not become strings and objects. Whatever is not plain is simply not recognized; `parseLine` reads it.
 */
import type { PlainSeries } from '../../model/sample-sink.ts';
/** The last series recognized; valid until the next call. */
export declare class PlainScanner implements PlainSeries {
  #private;
  start: number;
  nameEnd: number;
  end: number;
  labelCount: number;
  lastLe: number;
  inOrder: boolean;
  /** Whether the bytes from `start` to `end` are one plain series. */
  scan(view: DataView, start: number, end: number): boolean;
}
