import type { SampleSink, SpellingKey } from '../../model/sample-sink.ts';
/** What of a metric is meant: its value or count, or that its quantiles are passed over. */
export declare const VALUE = 1;
export declare const QUANTILES = 2;
export type Part = typeof VALUE | typeof QUANTILES;
/** Keys for one push. */
export declare class SeriesKeys {
  #private;
  constructor(sink: SampleSink, body: DataView);
  /** From now on keys are of the family whose name stands between two positions of the body. */
  setFamily(type: number, nameStart: number, nameEnd: number): void;
  /** What a part of the metric with these label fields leads to, or UNKNOWN. */
  find(part: Part, start: number, end: number): number;
  /** A copy of the key last looked for in vain, which stays as it is for as long as the push; undefined when it is too long for one. */
  kept(): SpellingKey | undefined;
}
