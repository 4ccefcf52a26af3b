/** The samples of rows as text has them: the buckets of a histogram, its sum and its count. */
import { hasBuckets, isDistribution } from '../model/metric-type.ts';
import type { FamilyView, SeriesView, SeriesVisitor, TextVisitor } from '../model/read-view.ts';
import { LF, SPACE } from '../primitives/bytes.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { floatBytesMax, writeFloat64 } from '../primitives/write-float.ts';
import type { ExpositionWriter } from './exposition-writer.ts';
import { sampleHead, SeriesLines } from './series-lines.ts';
import type { BucketStyle } from './series-lines.ts';

export type SampleSuffix = '_bucket' | '_sum' | '_count';

const asTheyAre: BucketStyle = { valueOf: (cumulative) => cumulative, exemplarText: undefined };
const asZero: BucketStyle = { valueOf: () => 0, exemplarText: undefined };

export class TextSamples {
  readonly #exposition: ExpositionWriter;
  readonly #lines: SeriesLines;
  readonly #newAsZero: boolean;

  /** With `newAsZero`, what is new to the reader is 0. */
  constructor(exposition: ExpositionWriter, { newAsZero }: { readonly newAsZero: boolean }) {
    this.#exposition = exposition;
    this.#newAsZero = newAsZero;
    this.#lines = new SeriesLines(exposition, formatFloat64);
  }

  /** Writes one sample whose text is held. */
  readonly copy: TextVisitor = (bytes, start, end, value) => {
    const exposition = this.#exposition;
    const to = exposition.reserve(end - start + floatBytesMax + 2);
    let at = exposition.position;
    // A view and a native copy take half the time of a loop over 70 bytes.
    to.set(bytes.subarray(start, end), at);
    at += end - start;
    to[at] = SPACE;
    at = writeFloat64(to, at + 1, value);
    to[at] = LF;
    exposition.position = at + 1;
  };

  /** Writes all samples of the rows of a family. */
  writerOf({ name, type }: Pick<FamilyView, 'name' | 'type'>): SeriesVisitor {
    if (!isDistribution(type)) {
      const lines = this.#lines;
      const head = sampleHead(name);
      return (series) => lines.line(head, series, this.#isZero(series) ? 0 : series.value);
    }
    const suffixes: readonly SampleSuffix[] = hasBuckets(type)
      ? ['_bucket', '_sum', '_count']
      : ['_sum', '_count'];
    const writers = suffixes.map((suffix) => this.partWriterOf(name, suffix));
    return (series) => {
      for (const write of writers) write(series);
    };
  }

  /** Writes those of a histogram or summary whose names end in one suffix. */
  partWriterOf(name: string, suffix: SampleSuffix): SeriesVisitor {
    const lines = this.#lines;
    const head = sampleHead(name + suffix);
    switch (suffix) {
      case '_bucket':
        return (series) => lines.buckets(head, series, this.#isZero(series) ? asZero : asTheyAre);
      case '_sum':
        return (series) => {
          if (!Number.isNaN(series.sum)) lines.line(head, series, this.#isZero(series) ? 0 : series.sum);
        };
      case '_count':
        return (series) => lines.line(head, series, this.#isZero(series) ? 0 : series.value);
    }
  }

  #isZero({ isNew }: SeriesView): boolean {
    return isNew && this.#newAsZero;
  }
}
