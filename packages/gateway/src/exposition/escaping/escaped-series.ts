import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/read-view.ts';
import type { LabelEscaper } from './escape-labels.ts';

/** A row as it is but for the names of its labels. */
export class EscapedSeries implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  readonly labelsStart: number = 0;
  labelsEnd = 0;
  value = 0;
  sum = 0;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(0);
  cumulative: Float64Array = new Float64Array(0);
  #original: SeriesView | undefined;
  readonly #labels: LabelEscaper;

  constructor(labels: LabelEscaper) {
    this.#labels = labels;
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
  }

  get startMs(): number {
    return this.#original?.startMs ?? Number.NaN;
  }

  get isNew(): boolean {
    return this.#original?.isNew ?? false;
  }

  exemplar(bucket: number): Exemplar | undefined {
    return this.#original?.exemplar(bucket);
  }

  native(): NativeView | undefined {
    return this.#original?.native();
  }
}
