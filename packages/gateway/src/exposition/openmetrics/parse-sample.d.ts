import type { Exemplar } from '../../model/exemplar.ts';
import type { Label } from '../../model/labels.ts';
import type { Cursor } from '../line-cursor.ts';
export interface Sample extends SampleTail {
  readonly name: string;
  /** Whether the name stands at the beginning of the line, and not in quotes. */
  readonly isBare: boolean;
  readonly labels: readonly Label[];
  readonly start: number;
  /** Where name and labels end. */
  readonly seriesEnd: number;
}
export interface SampleTail {
  readonly value: number;
  /** In seconds. */
  readonly timestamp: number | undefined;
  readonly exemplar: Exemplar | undefined;
  /** Where the exemplar begins. */
  readonly exemplarAt: number | undefined;
}
/** Reads a line from its first byte. */
export declare function parseSample(cursor: Cursor, isStrict: boolean): Sample;
/** Reads what follows name and labels, from the blank before the value to the end of the line. */
export declare function parseTail(cursor: Cursor, name: string, isStrict: boolean): SampleTail;
/** Where name and labels end that begin at `start`, or -1. Does not look at what they are made of. */
export declare function seriesEnd(view: DataView, start: number, end: number): number;
