import type { Exemplar } from '../../model/exemplar.ts';
import type { EscapingScheme } from '../../model/page-format.ts';
import type { NativeView, SeriesView } from '../../model/page-view.ts';
import { escapeLabelName } from './escape-name.ts';
import type { LabelEscaper } from './escape-labels.ts';

/** A row as it is but for the names of its labels, those of exemplars included. */
export class EscapedSeries implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  readonly labelsStart: number = 0;
  labelsEnd = 0;
  value = 0;
  sum = 0;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(0);
  cumulative: Float64Array = new Float64Array(0);
  startMs = 0;
  #original: SeriesView | undefined;
  readonly #labels: LabelEscaper;
  readonly #scheme: EscapingScheme;

  constructor(labels: LabelEscaper, scheme: EscapingScheme) {
    this.#labels = labels;
    this.#scheme = scheme;
  }

  read(original: SeriesView): void {
    const labels = this.#labels;
    labels.reset();
    labels.labels(original.bytes, original.labelsStart, original.labelsEnd);
    this.#original = original;
    this.bytes = labels.bytes;
    this.labelsEnd = labels.length;
    this.value = original.value;
    this.sum = original.sum;
    this.bucketCount = original.bucketCount;
    this.bounds = original.bounds;
    this.cumulative = original.cumulative;
    this.startMs = original.startMs;
  }

  exemplar(bucket: number): Exemplar | undefined {
    return escapeExemplar(this.#original?.exemplar(bucket), this.#scheme);
  }

  native(): NativeView | undefined {
    return escapeNative(this.#original?.native(), this.#scheme);
  }
}

/** Undefined where two labels have the same name now: an exemplar less is no harm. */
export function escapeExemplar(exemplar: Exemplar | undefined, scheme: EscapingScheme): Exemplar | undefined {
  if (exemplar === undefined) return undefined;
  const labels = exemplar.labels.map(({ name, value }) => ({ name: escapeLabelName(name, scheme), value }));
  return new Set(labels.map(({ name }) => name)).size < labels.length ? undefined : { ...exemplar, labels };
}

export function escapeNative(native: NativeView | undefined, scheme: EscapingScheme): NativeView | undefined {
  if (native === undefined) return undefined;
  const exemplars = native.exemplars.map((each) => escapeExemplar(each, scheme));
  return { ...native, exemplars: exemplars.filter((each) => each !== undefined) };
}
