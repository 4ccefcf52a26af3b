/**
 * Writes io.prometheus.client.MetricFamily messages, each behind its length. As that is known only once all rows of the family are
 * written, these wait in a MessageWriter until then.
 *
 *   page     length, MetricFamily …
 *   family   name, help, type, unit, metrics
 *
 * https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/client/metrics.proto
 */
import type { Exemplar } from '../../model/exemplar.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { EscapingScheme } from '../../model/page-format.ts';
import type { FamilyView, SeriesView } from '../../model/page-view.ts';
import { escapeExemplar } from '../escaping/escape-exemplar.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { PageWriter } from '../page-writer.ts';
import { writeLabelPairs } from './label-pairs.ts';
import { MessageWriter, putVarint, varintBytes } from './message-writer.ts';
import { NativeFields } from './native-fields.ts';
import {
  bucket as bucketTags,
  exemplar as exemplarTags,
  family as familyTags,
  histogram as histogramTags,
  label as labelTags,
  metric as metricTags,
  single as singleTags,
  summary as summaryTags,
  timestamp as timestampTags,
  typesByNumber,
} from './schema.ts';
import type { ProtobufType } from './schema.ts';

/** What `exemplar` of a counter is asked for. */
const NO_BUCKET = -1;
const UINT64_END = 2 ** 64;
/** Of the years that a Timestamp can have, 1 to 9999: readers refuse others. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

export class ProtobufWriter implements FamilyWriter {
  readonly #page: PageWriter;
  readonly #header = new MessageWriter();
  readonly #metrics = new MessageWriter();

  readonly #escaping: EscapingScheme;

  /** The escaping is that of labels of exemplars, which are not escaped yet. */
  constructor(page: PageWriter, escaping: EscapingScheme) {
    this.#page = page;
    this.#escaping = escaping;
  }

  begin(): void {}

  rows(family: FamilyView, from: number, to: number): void {
    family.visitSeries(from, to, this.#writerOf(protobufType(family.type)));
  }

  end(family: FamilyView): void {
    const header = this.#header;
    const type = protobufType(family.type);
    header.textField(familyTags.name, family.name);
    if (family.help !== undefined) header.textField(familyTags.help, family.help);
    header.varint(familyTags.type);
    header.varint(typesByNumber.indexOf(type));
    if (hasUnit(family)) header.textField(familyTags.unit, family.unit ?? '');
    const page = this.#page;
    const length = header.length + this.#metrics.length;
    page.position = putVarint(page.room(varintBytes(length)), page.position, length);
    header.moveTo(page);
    this.#metrics.moveTo(page);
  }

  finish(): void {}

  #writerOf(type: ProtobufType): (series: SeriesView) => void {
    switch (type) {
      case 'counter':
        return this.#counter;
      case 'gauge':
        return this.#gauge;
      case 'untyped':
        return this.#untyped;
      case 'summary':
        return this.#summary;
      case 'histogram':
      case 'gaugehistogram':
        return this.#histogram;
    }
  }

  readonly #counter = (series: SeriesView): void => {
    const writer = this.#metrics;
    const metric = this.#open(series);
    const value = writer.open(metricTags.counter);
    writer.doubleField(singleTags.value, series.value);
    const exemplar = series.exemplar(NO_BUCKET);
    if (exemplar !== undefined) this.#exemplar(singleTags.exemplar, exemplar);
    writeStart(writer, singleTags.start, series);
    writer.close(value);
    writer.close(metric);
  };

  readonly #gauge = (series: SeriesView): void => {
    this.#single(series, metricTags.gauge);
  };

  readonly #untyped = (series: SeriesView): void => {
    this.#single(series, metricTags.untyped);
  };

  #single(series: SeriesView, tag: number): void {
    const writer = this.#metrics;
    const metric = this.#open(series);
    const value = writer.open(tag);
    writer.doubleField(singleTags.value, series.value);
    writer.close(value);
    writer.close(metric);
  }

  readonly #summary = (series: SeriesView): void => {
    const writer = this.#metrics;
    const metric = this.#open(series);
    const value = writer.open(metricTags.summary);
    // There is no place for a count that is not whole.
    writer.varint(summaryTags.count);
    writer.varint(wholeCount(series.value));
    if (!Number.isNaN(series.sum)) writer.doubleField(summaryTags.sum, series.sum);
    writeStart(writer, summaryTags.start, series);
    writer.close(value);
    writer.close(metric);
  };

  readonly #histogram = (series: SeriesView): void => {
    const writer = this.#metrics;
    const metric = this.#open(series);
    const value = writer.open(metricTags.histogram);
    const native = series.native();
    const fields = native === undefined ? undefined : new NativeFields(native, series.value);
    const isFloat = fields !== undefined && !fields.isWhole;
    if (!isFloat && isUint64(series.value)) {
      writer.varint(histogramTags.count);
      writer.varint(series.value);
    }
    if (!Number.isNaN(series.sum)) writer.doubleField(histogramTags.sum, series.sum);
    for (let i = 0; i < series.bucketCount; i += 1) this.#bucket(series, i);
    if (isFloat || !isUint64(series.value)) writer.doubleField(histogramTags.countFloat, series.value);
    fields?.write(writer);
    writeStart(writer, histogramTags.start, series);
    for (const exemplar of native?.exemplars ?? []) this.#exemplar(histogramTags.exemplar, exemplar);
    writer.close(value);
    writer.close(metric);
  };

  #bucket(series: SeriesView, i: number): void {
    const writer = this.#metrics;
    const bucket = writer.open(histogramTags.bucket);
    const count = series.cumulative[i]!;
    const isWhole = isUint64(count);
    if (isWhole) {
      writer.varint(bucketTags.count);
      writer.varint(count);
    }
    writer.doubleField(bucketTags.bound, series.bounds[i]!);
    const exemplar = series.exemplar(i);
    if (exemplar !== undefined) this.#exemplar(bucketTags.exemplar, exemplar);
    if (!isWhole) writer.doubleField(bucketTags.countFloat, count);
    writer.close(bucket);
  }

  #exemplar(tag: number, given: Exemplar): void {
    const exemplar = escapeExemplar(given, this.#escaping);
    if (exemplar !== undefined) writeExemplar(this.#metrics, tag, exemplar);
  }

  /** Opens a metric with the labels of a row. */
  #open(series: SeriesView): number {
    const metric = this.#metrics.outer(familyTags.metric);
    const { bytes, labelsStart, labelsEnd } = series;
    writeLabelPairs(this.#metrics, bytes, { start: labelsStart, end: labelsEnd });
    return metric;
  }
}

function protobufType(type: MetricType): ProtobufType {
  return type === 'info' || type === 'stateset' ? 'gauge' : type;
}

/** Prometheus refuses a page on which a unit is not the end of its family's name. */
function hasUnit({ name, type, unit }: FamilyView): boolean {
  if (unit === undefined || unit === '') return false;
  const isTotal = type === 'counter' && name.endsWith('_total');
  const base = isTotal ? name.slice(0, -'_total'.length) : name;
  return base.endsWith(`_${unit}`);
}

function writeExemplar(writer: MessageWriter, tag: number, exemplar: Exemplar): void {
  const opened = writer.open(tag);
  for (const { name, value } of exemplar.labels) {
    const pair = writer.open(exemplarTags.label);
    writer.textField(labelTags.name, name);
    writer.textField(labelTags.value, value);
    writer.close(pair);
  }
  writer.doubleField(exemplarTags.value, exemplar.value);
  writeTimestamp(writer, exemplarTags.timestamp, exemplar.timestampMs ?? Number.NaN);
  writer.close(opened);
}

function writeStart(writer: MessageWriter, tag: number, { startMs }: SeriesView): void {
  // A start time of 0 is none, and so is NaN.
  if (startMs > 0) writeTimestamp(writer, tag, startMs);
}

/** Nothing for NaN. */
function writeTimestamp(writer: MessageWriter, tag: number, ms: number): void {
  const second = Math.floor(ms / 1_000);
  // Rounded, as seconds that are not whole are a little off once they are milliseconds.
  const micros = Math.round((ms - second * 1_000) * 1_000);
  const seconds = micros < 1_000_000 ? second : second + 1;
  if (!(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)) return;
  const opened = writer.open(tag);
  writer.varint(timestampTags.seconds);
  writer.int64(seconds);
  writer.varint(timestampTags.nanos);
  writer.varint((micros % 1_000_000) * 1_000);
  writer.close(opened);
}

function isUint64(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count < UINT64_END;
}

function wholeCount(count: number): number {
  const rounded = Math.round(count);
  return isUint64(rounded) ? rounded : 0;
}
