/** Reads Metric messages of one family after another. */
import { PushProblem } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { seriesText } from '../../model/series-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { shorten } from '../../primitives/quote.ts';
import { readLabels } from './labels.ts';
import { metric as metricTags, typesByNumber, valueTags } from './schema.ts';
import type { ProtobufType } from './schema.ts';
import { SeriesKeys } from './series-keys.ts';
import { Distribution, Single } from './values.ts';
import { problem } from './wire.ts';
import type { WireReader } from './wire.ts';

const tags = Object.values(metricTags);
/** A metric is read in one turn, so it may not be of any length. */
const METRIC_BYTES_MAX = 256 * 1024;
const NOWHERE = -1;
/** A metric is read in one go, so one of each is enough for all pushes. */
const distribution = new Distribution();
const single = new Single();

export class MetricReader {
  readonly #reader: WireReader;
  readonly #sink: SampleSink;
  readonly #known: KnownSeries;
  readonly #keys: SeriesKeys;
  #type: ProtobufType = 'counter';
  #valueTag = 0;
  #nameStart = 0;
  #nameEnd = 0;
  /** Parsed once they are needed. */
  #name: string | undefined;
  #labels: readonly Label[] | undefined;
  /** Of the metric being read. */
  #start = 0;
  #end = 0;
  /** Label fields stand in one piece from `#start` up to here. Without that (NOWHERE) there is no key. */
  #labelsEnd = 0;

  constructor(reader: WireReader, sink: SampleSink) {
    this.#reader = reader;
    this.#sink = sink;
    this.#known = sink.known;
    this.#keys = new SeriesKeys(sink.known, reader.view);
  }

  /** From now on metrics are of the family whose name stands between two positions of the body. */
  setFamily(type: ProtobufType, nameStart: number, nameEnd: number): void {
    this.#type = type;
    this.#valueTag = valueTags[type];
    this.#nameStart = nameStart;
    this.#nameEnd = nameEnd;
    this.#name = undefined;
    this.#keys.setFamily(typesByNumber.indexOf(type), nameStart, nameEnd);
  }

  /** The metric between two positions. */
  read(start: number, end: number): void {
    const reader = this.#reader;
    this.#start = start;
    this.#end = end;
    this.#labels = undefined;
    if (end - start > METRIC_BYTES_MAX) throw tooLong(end - start, start);
    reader.enter(start, end);
    let labelsEnd = start;
    let valueStart = NOWHERE;
    let valueEnd = NOWHERE;
    while (reader.at < end) {
      const at = reader.at;
      const tag = reader.tag();
      if (tag === metricTags.label) {
        const next = reader.bytesEnd();
        labelsEnd = labelsEnd === at ? next : NOWHERE;
        reader.at = next;
      } else if (tag === this.#valueTag) {
        if (valueStart !== NOWHERE) throw problem(`the metric has two values of type ${this.#type}`, at);
        valueEnd = reader.bytesEnd();
        valueStart = reader.at;
        reader.at = valueEnd;
      } else reader.skipUnused(tag, tags);
    }
    if (valueStart === NOWHERE) {
      throw problem(
        `a metric of the ${this.#type} ${shorten(this.#parsedName())} has no ${this.#type} in it`,
        start,
      );
    }
    this.#labelsEnd = labelsEnd;
    const reference = labelsEnd === NOWHERE ? UNKNOWN : this.#keys.find(start, labelsEnd);
    reader.enter(valueStart, valueEnd);
    if (hasBuckets(this.#type)) this.#readHistogram(reference);
    else if (this.#type === 'summary') this.#readSummary(reference);
    else {
      single.read(reader);
      if (reference !== UNKNOWN) this.#known.addKnown(reference, single.value, start);
      else this.#addParsed('', single.value, this.#seriesKey());
      if (single.startMs > 0) this.#sink.addStart(single.startMs);
      if (single.exemplar !== undefined) this.#sink.addExemplar(single.exemplar);
    }
  }

  #readHistogram(reference: number): void {
    const known = this.#known;
    distribution.readHistogram(this.#reader);
    const { count, sum, length, bounds, values, offsets, exemplars } = distribution;
    let withExemplar = 0;
    this.#addCountAndSum(reference, count, sum);
    for (let i = 0; i < length; i += 1) {
      const bound = bounds[i]!;
      const bucket = reference < 0 ? UNKNOWN : known.findBucket(reference, bound);
      if (bucket !== UNKNOWN) known.addKnown(bucket, values[i]!, offsets[i]!);
      else {
        const le = { name: 'le', value: formatFloat64(bound) };
        this.#addParsed('_bucket', values[i]!, this.#unspelled(offsets[i]!), le);
      }
      for (; exemplars[withExemplar]?.bucket === i; withExemplar += 1)
        this.#sink.addExemplar(exemplars[withExemplar]!.exemplar);
    }
    if (distribution.native.isThere) this.#addNative();
  }

  #addNative(): void {
    const { native, count, sum, isFloat, nativeExemplars } = distribution;
    const start = this.#start;
    const histogram = native.histogram({ count, sum, float: isFloat });
    if (typeof histogram === 'string') {
      this.#labels ??= readLabels(this.#reader, start, this.#end);
      const series = seriesText(this.#parsedName(), this.#labels);
      throw new PushProblem(
        'invalid_histogram',
        `the native histogram ${shorten(series)} ${histogram}`,
        start,
      );
    }
    this.#sink.addNative(histogram, start);
    for (const exemplar of nativeExemplars) this.#sink.addExemplar(exemplar, true);
  }

  #readSummary(reference: number): void {
    distribution.readSummary(this.#reader);
    const { length, bounds, values, offsets } = distribution;
    this.#addCountAndSum(reference, distribution.count, distribution.sum);
    const twin = distribution.twin();
    if (twin >= 0) {
      this.#labels ??= readLabels(this.#reader, this.#start, this.#end);
      const quantile = { name: 'quantile', value: formatFloat64(bounds[twin]!) };
      const series = seriesText(this.#parsedName(), [...this.#labels, quantile]);
      throw new PushProblem(
        'duplicate_series',
        `${shorten(series)} appears twice in this push; send each series once`,
        offsets[twin]!,
      );
    }
    if (reference !== UNKNOWN) {
      this.#known.addDiscarded(length);
      return;
    }
    for (let i = 0; i < length; i += 1) {
      const seriesKey = { ...this.#unspelled(offsets[i]!), isOnlyOne: true };
      this.#addParsed('', values[i]!, seriesKey, { name: 'quantile', value: formatFloat64(bounds[i]!) });
    }
  }

  /** `reference` is of the count, or of a summary that is thrown away, or UNKNOWN. */
  #addCountAndSum(reference: number, count: number, sum: number): void {
    const known = this.#known;
    const start = this.#start;
    if (reference !== UNKNOWN) known.addKnown(reference, count, start);
    else this.#addParsed('_count', count, this.#seriesKey());
    const beside = reference < 0 ? UNKNOWN : known.findSum(reference);
    if (beside !== UNKNOWN) known.addKnown(beside, sum, start);
    else if (reference < 0 && reference !== UNKNOWN) known.addDiscarded(1);
    else this.#addParsed('_sum', sum, this.#unspelled(start));
    if (distribution.startMs > 0) this.#sink.addStart(distribution.startMs);
  }

  #addParsed(suffix: string, value: number, seriesKey: SeriesKey, more?: Label): void {
    this.#labels ??= readLabels(this.#reader, this.#start, this.#end);
    const labels = more === undefined ? this.#labels : [...this.#labels, more];
    this.#sink.addSample(this.#parsedName() + suffix, labels, value, seriesKey);
  }

  /** Of the metric last looked for. */
  #seriesKey(): SeriesKey {
    const key = this.#labelsEnd === NOWHERE ? undefined : this.#keys.kept();
    return { start: this.#start, end: this.#end, repeatable: key !== undefined, key };
  }

  #unspelled(offset: number): SeriesKey {
    return { start: offset, end: offset, repeatable: false };
  }

  #parsedName(): string {
    this.#name ??= this.#reader.text(this.#nameStart, this.#nameEnd);
    return this.#name;
  }
}

function tooLong(bytes: number, offset: number): PushProblem {
  return new PushProblem(
    'labels_limit',
    `a metric with its labels is ${bytes} bytes long, more than ${METRIC_BYTES_MAX}`,
    offset,
  );
}
