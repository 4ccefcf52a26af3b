/**
 * Lines of one sample each, put together from the parts of a row: what stands before its labels, the labels as they are, what
 * comes behind. Nothing here makes a string, but for exemplars.
 */
import type { Exemplar } from '../model/exemplar.ts';
import type { SeriesView } from '../model/read-view.ts';
import { seriesHead, seriesText } from '../model/series-text.ts';
import { COMMA, LF, RIGHT_BRACE, SPACE } from '../primitives/bytes.ts';
import { floatBytesMax, writeFloat64, writeSeconds } from '../primitives/write-float.ts';
import type { ExpositionWriter } from './exposition-writer.ts';

/** The name of samples, as it is written. */
export interface SampleHead {
  /** `name `, for a series without labels. */
  readonly bare: Uint8Array;
  /** `name{` */
  readonly open: Uint8Array;
}

export function sampleHead(name: string): SampleHead {
  return { bare: Buffer.from(`${seriesText(name, [])} `), open: Buffer.from(seriesHead(name)) };
}

export interface BucketStyle {
  readonly valueOf: (cumulative: number) => number;
  /** What is shown behind a value, empty for nothing; undefined where exemplars are not. */
  readonly exemplarText: ((exemplar: Exemplar | undefined) => string) | undefined;
}

/** Writes all but the last part of a line: brace, blank, value and line feed. */
const TAIL_BYTES = floatBytesMax + 3;

/** Some senders put an exemplar into a bucket that does not hold it, which strict readers do not take. */
function within(bound: number, exemplar: Exemplar | undefined): Exemplar | undefined {
  return exemplar !== undefined && exemplar.value > bound ? undefined : exemplar;
}

export class SeriesLines {
  readonly #exposition: ExpositionWriter;
  readonly #formatBound: (bound: number) => string;
  /** `le="0.5"} ` by the place of the bucket, and the bound it is of: it is the same from row to row nearly always. */
  readonly #bounds: number[] = [];
  readonly #les: Uint8Array[] = [];
  /** The labels that were looked at last, and where they stand. */
  #labels: Uint8Array = new Uint8Array(0);
  #bytes: Uint8Array | undefined;
  #labelsStart = 0;
  #labelsEnd = 0;
  #prefix: Uint8Array = new Uint8Array(1024);

  constructor(page: ExpositionWriter, formatBound: (bound: number) => string) {
    this.#exposition = page;
    this.#formatBound = formatBound;
  }

  /** One sample; `more` is what follows its value. */
  line(head: SampleHead, series: SeriesView, value: number, more = ''): void {
    const to = this.#begin(head, series);
    this.#end(to, writeFloat64(to, this.#exposition.position, value), more);
  }

  /** One sample that is a time. */
  time(head: SampleHead, series: SeriesView, milliseconds: number): void {
    const to = this.#begin(head, series);
    this.#end(to, writeSeconds(to, this.#exposition.position, milliseconds), '');
  }

  /** All up to the value, which there is room for in what it returns, from the position of the exposition on. */
  #begin({ bare, open }: SampleHead, series: SeriesView): Uint8Array {
    const labels = this.#labelsOf(series);
    const { length } = labels;
    const page = this.#exposition;
    const to = page.reserve(open.length + length + TAIL_BYTES);
    let at = page.position;
    if (length === 0) {
      to.set(bare, at);
      at += bare.length;
    } else {
      to.set(open, at);
      at += open.length;
      to.set(labels, at);
      at += length;
      to[at] = RIGHT_BRACE;
      to[at + 1] = SPACE;
      at += 2;
    }
    page.position = at;
    return to;
  }

  /** The buckets of a row, each with its own `le`. */
  buckets({ open }: SampleHead, series: SeriesView, { valueOf, exemplarText }: BucketStyle): void {
    const prefix = this.#prefixOf(open, series);
    const page = this.#exposition;
    const { bucketCount, bounds, cumulative } = series;
    for (let i = 0; i < bucketCount; i += 1) {
      const bound = bounds[i]!;
      const le = this.#bounds[i] === bound ? this.#les[i]! : this.#noteLe(i, bound);
      const to = page.reserve(prefix.length + le.length + TAIL_BYTES);
      let at = page.position;
      to.set(prefix, at);
      at += prefix.length;
      // A native copy takes longer to begin than so few bytes take.
      for (let k = 0; k < le.length; k += 1) to[at + k] = le[k]!;
      at = writeFloat64(to, at + le.length, valueOf(cumulative[i]!));
      if (exemplarText === undefined) {
        to[at] = LF;
        page.position = at + 1;
      } else this.#end(to, at, exemplarText(within(bound, series.exemplar(i))));
    }
  }

  #end(to: Uint8Array, at: number, more: string): void {
    const page = this.#exposition;
    if (more === '') {
      to[at] = LF;
      page.position = at + 1;
    } else {
      page.position = at;
      page.text(`${more}\n`);
    }
  }

  /** All that stands before `le`. Valid until the next call. */
  #prefixOf(open: Uint8Array, { bytes, labelsStart, labelsEnd }: SeriesView): Uint8Array {
    const labelsBytes = labelsEnd - labelsStart;
    const length = open.length + (labelsBytes === 0 ? 0 : labelsBytes + 1);
    if (length > this.#prefix.length) this.#prefix = new Uint8Array(length * 2);
    const prefix = this.#prefix;
    let at = open.length;
    for (let i = 0; i < at; i += 1) prefix[i] = open[i]!;
    for (let i = labelsStart; i < labelsEnd; i += 1, at += 1) prefix[at] = bytes[i]!;
    if (labelsBytes > 0) prefix[at] = COMMA;
    return prefix.subarray(0, length);
  }

  /** Making a view takes longer than copying what it shows, and a row has several lines. */
  #labelsOf({ bytes, labelsStart, labelsEnd }: SeriesView): Uint8Array {
    const isLast =
      bytes === this.#bytes && labelsStart === this.#labelsStart && labelsEnd === this.#labelsEnd;
    if (isLast) return this.#labels;
    this.#bytes = bytes;
    this.#labelsStart = labelsStart;
    this.#labelsEnd = labelsEnd;
    this.#labels = bytes.subarray(labelsStart, labelsEnd);
    return this.#labels;
  }

  #noteLe(index: number, bound: number): Uint8Array {
    const le = Buffer.from(`le="${this.#formatBound(bound)}"} `);
    this.#bounds[index] = bound;
    this.#les[index] = le;
    return le;
  }
}
