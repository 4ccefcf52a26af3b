/**
 * Writes delimited messages of io.prometheus.client.MetricFamily. A family is one message, whose length comes first, so it is
 * held until its last row is written; rows are written straight from the bytes of the state. Fields come by their numbers.
 *
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { Exemplar } from '../../model/exemplar.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { EscapingScheme } from '../../model/exposition-format.ts';
import type { FamilyView, SeriesView } from '../../model/read-view.ts';
import { ByteWriter } from '../../primitives/byte-writer.ts';
import { escapeExemplar } from '../escaping/escape-exemplar.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { ExpositionWriter } from '../exposition-writer.ts';
import { FIELD_BYTES, labelsBytesMax, MessageBytes, writeVarint } from './message-bytes.ts';
import * as schema from './schema.ts';
import type { ProtobufType } from './schema.ts';
import { nativeFields, writeNative } from './write-native.ts';
import { isCount, nearestCount, writeExemplar, writeTimestamp } from './write-values.ts';

/** Of a metric, without its labels, buckets and exemplars. */
const METRIC_BYTES = 8 * FIELD_BYTES;
const BUCKET_BYTES = 4 * FIELD_BYTES;
/** A metric whose labels are longer than this as text is longer than 127 bytes, and its length has two. */
const LONG_LABELS_BYTES = 100;

/** Protobuf has no types for infos and states. */
const wireTypes: Readonly<Record<MetricType, ProtobufType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'untyped',
  gaugehistogram: 'gaugehistogram',
  info: 'gauge',
  stateset: 'gauge',
};

export class ProtobufWriter implements FamilyWriter {
  readonly #exposition: ExpositionWriter;
  readonly #escaping: EscapingScheme;
  readonly #nativeBucketsMax: number;
  /** What stands before the metrics, and behind them. */
  readonly #head = new ByteWriter();
  readonly #tail = new ByteWriter();
  readonly #metrics = new MessageBytes();
  /**
   * Those with native buckets. Prometheus tells by the first metric of a message what the others are (up to 3.x in part), so they have
   * a message for themselves.
   */
  readonly #natives = new MessageBytes();
  readonly #writers: Readonly<Record<ProtobufType, (series: SeriesView) => void>> = {
    counter: (series) => this.#counter(series),
    gauge: (series) => this.#single(schema.metric.gauge, series),
    summary: (series) => this.#summary(series),
    untyped: (series) => this.#single(schema.metric.untyped, series),
    histogram: (series) => this.#histogram(series),
    gaugehistogram: (series) => this.#histogram(series),
  };

  /** Labels of exemplars are not escaped yet. */
  constructor(
    page: ExpositionWriter,
    { escaping, nativeBucketsMax }: { readonly escaping: EscapingScheme; readonly nativeBucketsMax: number },
  ) {
    this.#exposition = page;
    this.#escaping = escaping;
    this.#nativeBucketsMax = nativeBucketsMax;
  }

  begin({ name, help, type, unit }: FamilyView): void {
    const head = this.#head;
    head.reset();
    head.byte(schema.family.name);
    head.text(name);
    if (help !== undefined) {
      head.byte(schema.family.help);
      head.text(help);
    }
    head.byte(schema.family.type);
    head.byte(schema.typesByNumber.indexOf(wireTypes[type]));
    const tail = this.#tail;
    tail.reset();
    if (unit === undefined || !isUnitOf(name, type, unit)) return;
    tail.byte(schema.family.unit);
    tail.text(unit);
  }

  rows(family: FamilyView, from: number, to: number): void {
    family.visit(from, to, this.#writers[wireTypes[family.type]]);
  }

  end(): void {
    if (this.#metrics.length > 0 || this.#natives.length === 0) this.#message(this.#metrics);
    if (this.#natives.length > 0) this.#message(this.#natives);
  }

  #message(metrics: MessageBytes): void {
    const page = this.#exposition;
    const length = this.#head.length + metrics.length + this.#tail.length;
    page.position = writeVarint(page.reserve(FIELD_BYTES), page.position, length);
    page.copy(this.#head.bytes());
    metrics.giveTo(page);
    page.copy(this.#tail.bytes());
  }

  finish(): void {}

  /** A metric with its labels; `close` must follow. */
  #open(to: MessageBytes, { bytes, labelsStart, labelsEnd }: SeriesView): number {
    const length = labelsEnd - labelsStart;
    to.begin(labelsBytesMax(length) + METRIC_BYTES);
    const place = to.open(schema.family.metric, length > LONG_LABELS_BYTES ? 2 : 1);
    to.labels(schema.metric.label, bytes, labelsStart, labelsEnd);
    return place;
  }

  #close(to: MessageBytes, place: number, { labelsStart, labelsEnd }: SeriesView): void {
    to.close(place, labelsEnd - labelsStart > LONG_LABELS_BYTES ? 2 : 1);
  }

  #single(tag: number, series: SeriesView): void {
    const to = this.#metrics;
    const place = this.#open(to, series);
    to.doubleMessage(tag, schema.single.value, series.value);
    this.#close(to, place, series);
  }

  #counter(series: SeriesView): void {
    const to = this.#metrics;
    const place = this.#open(to, series);
    const counter = to.open(schema.metric.counter);
    to.double(schema.single.value, series.value);
    this.#exemplar(to, schema.single.exemplar, series.exemplar(-1));
    writeTimestamp(to, schema.single.start, series.startMs);
    to.close(counter);
    this.#close(to, place, series);
  }

  #summary(series: SeriesView): void {
    const to = this.#metrics;
    const place = this.#open(to, series);
    const summary = to.open(schema.metric.summary);
    to.whole(schema.summary.count, nearestCount(series.value));
    if (!Number.isNaN(series.sum)) to.double(schema.summary.sum, series.sum);
    writeTimestamp(to, schema.summary.start, series.startMs);
    to.close(summary);
    this.#close(to, place, series);
  }

  #histogram(series: SeriesView): void {
    const native = nativeFields(series, this.#nativeBucketsMax);
    const to = native === undefined ? this.#metrics : this.#natives;
    const place = this.#open(to, series);
    // Mostly it is longer than 127 bytes.
    const histogram = to.open(schema.metric.histogram, 2);
    const { value, sum, startMs } = series;
    const isWhole = native?.isWhole ?? isCount(value);
    if (isWhole) to.whole(schema.histogram.count, value);
    if (!Number.isNaN(sum)) to.double(schema.histogram.sum, sum);
    for (let i = 0; i < series.bucketCount; i += 1) this.#bucket(to, series, i);
    to.reserve(METRIC_BYTES);
    if (!isWhole) to.double(schema.histogram.countFloat, value);
    if (native !== undefined) writeNative(to, native);
    to.reserve(METRIC_BYTES);
    writeTimestamp(to, schema.histogram.start, startMs);
    for (const each of native?.exemplars ?? []) this.#exemplar(to, schema.histogram.exemplar, each);
    to.close(histogram, 2);
    this.#close(to, place, series);
  }

  #bucket(to: MessageBytes, series: SeriesView, i: number): void {
    to.reserve(BUCKET_BYTES);
    const bucket = to.open(schema.histogram.bucket);
    const count = series.cumulative[i]!;
    const isWhole = isCount(count);
    if (isWhole) to.whole(schema.bucket.count, count);
    to.double(schema.bucket.bound, series.bounds[i]!);
    this.#exemplar(to, schema.bucket.exemplar, series.exemplar(i));
    if (!isWhole) to.double(schema.bucket.countFloat, count);
    to.close(bucket);
  }

  #exemplar(to: MessageBytes, tag: number, given: Exemplar | undefined): void {
    const exemplar = given && escapeExemplar(given, this.#escaping);
    if (exemplar !== undefined) writeExemplar(to, tag, exemplar);
  }
}

/** Prometheus (3.5 for one) refuses a whole exposition where a unit is not the end of a name. */
function isUnitOf(name: string, type: MetricType, unit: string): boolean {
  const base = type === 'counter' && name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
  return unit !== '' && base.endsWith(`_${unit}`);
}
