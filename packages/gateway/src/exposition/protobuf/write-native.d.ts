import type { SpannedBuckets } from '../../histogram/spans.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/page-view.ts';
import type { MessageBytes } from './message-bytes.ts';
export interface NativeFields {
  readonly native: NativeView;
  readonly exemplars: readonly Exemplar[];
  readonly positive: SpannedBuckets;
  readonly negative: SpannedBuckets;
  /** All counts are whole numbers, that of the message as well; else it must be a float. */
  readonly isWhole: boolean;
}
/** Undefined where there are no native buckets. */
export declare function nativeFields(series: SeriesView): NativeFields | undefined;
/** All of it but the count and the exemplars. */
export declare function writeNative(to: MessageBytes, fields: NativeFields): void;
