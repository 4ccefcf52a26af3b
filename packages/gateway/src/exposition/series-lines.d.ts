import type { Exemplar } from '../model/exemplar.ts';
import type { SeriesView } from '../model/page-view.ts';
import type { PageWriter } from './page-writer.ts';
/** The name of samples, as it is written. */
export interface SampleHead {
  /** `name `, for a series without labels. */
  readonly bare: Uint8Array;
  /** `name{` */
  readonly open: Uint8Array;
}
export declare function sampleHead(name: string): SampleHead;
export interface BucketStyle {
  readonly valueOf: (cumulative: number) => number;
  /** What is shown behind a value; empty for nothing. */
  readonly exemplarText: (exemplar: Exemplar | undefined) => string;
}
export declare class SeriesLines {
  #private;
  constructor(page: PageWriter, formatBound: (bound: number) => string);
  /** One sample; `more` is what follows its value. */
  line(head: SampleHead, series: SeriesView, value: number, more?: string): void;
  /** One sample that is a time. */
  time(head: SampleHead, series: SeriesView, milliseconds: number): void;
  /** The buckets of a row, each with its own `le`. */
  buckets({ open }: SampleHead, series: SeriesView, { valueOf, exemplarText }: BucketStyle): void;
}
