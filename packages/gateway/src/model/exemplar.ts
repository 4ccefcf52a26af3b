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
export const EXEMPLAR_CHARACTERS_MAX = 128;

/** Shown of one native histogram. */
const NATIVE_EXEMPLARS_MAX = 10;

/** Those of a native histogram that are shown: the newest, by time. */
export function newestExemplars(exemplars: readonly Exemplar[]): readonly Exemplar[] {
  return exemplars
    .toSorted((a, b) => (a.timestampMs ?? 0) - (b.timestampMs ?? 0))
    .slice(-NATIVE_EXEMPLARS_MAX);
}

/** The newer of two exemplars; of equals the first. */
export function newer(known: Exemplar | undefined, exemplar: Exemplar): Exemplar {
  return known === undefined || (exemplar.timestampMs ?? 0) > (known.timestampMs ?? 0) ? exemplar : known;
}
