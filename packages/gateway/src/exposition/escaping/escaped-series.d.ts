import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/page-view.ts';
import type { LabelEscaper } from './escape-labels.ts';
/** A row as it is but for the names of its labels. */
export declare class EscapedSeries implements SeriesView {
  #private;
  bytes: Uint8Array;
  readonly labelsStart: number;
  labelsEnd: number;
  value: number;
  sum: number;
  bucketCount: number;
  bounds: Float64Array;
  cumulative: Float64Array;
  startMs: number;
  constructor(labels: LabelEscaper);
  read(original: SeriesView): void;
  exemplar(bucket: number): Exemplar | undefined;
  native(): NativeView | undefined;
}
