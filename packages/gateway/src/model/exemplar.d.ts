import type { Label } from './labels.ts';
/** One observation behind a counter or a bucket, mostly with the id of a trace. Never changed once made. */
export interface Exemplar {
  /** As the sender gave them. */
  readonly labels: readonly Label[];
  readonly value: number;
  /** Milliseconds since the Unix epoch; undefined where the sender gave none. */
  readonly timestampMs: number | undefined;
}
/** Of names and values of the labels of one exemplar together, as OpenMetrics 1.0 bounds it. */
export declare const EXEMPLAR_CHARACTERS_MAX = 128;
/** Those of a native histogram that are shown: the newest, by time. */
export declare function newestExemplars(exemplars: readonly Exemplar[]): readonly Exemplar[];
