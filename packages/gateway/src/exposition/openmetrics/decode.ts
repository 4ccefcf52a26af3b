/**
 * Reads OpenMetrics 1.0 into a sink. As in text, most lines are seen again and again, and are known by their bytes; but the
 * format wants families in one piece and samples of the right kinds in each, so a known sample must also begin with the
 * name of the family at hand and end it in a suffix of its type. Within a family, the samples that came one after the other
 * the last time are left to the sink, which stops where another family begins.
 *
 * All that is about histograms as a whole is checked once the body is read (ingest/strict-histograms.ts).
 *
 * Grammar: https://prometheus.io/docs/specs/om/open_metrics_spec/#abnf
 */
import { PushProblem } from '../../model/errors.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import { HASH, LF, lineEnd, sameBytes, SPACE, viewOf } from '../../primitives/bytes.ts';
import { parseFloat64, readPlainDecimal } from '../../primitives/float.ts';
import type { NumberEnd } from '../../primitives/float.ts';
import { hashBytes } from '../../primitives/hash.ts';
import { shorten } from '../../primitives/quote.ts';
import { checkLine, Cursor, longLine, sliceEnd } from '../line-cursor.ts';
import { PlainScanner } from '../text/plain-series.ts';
import { checkReserved, isGoodValue, reservedLabel, valueProblem } from './check-sample.ts';
import { FamilyReader } from './families.ts';
import { Role, roleAt } from './family-types.ts';
import { BufferedSamples, isStartTime, metricOf, emitSample } from './buffered-samples.ts';
import { CREATED_BYTES, isSameSeries, seriesEndBefore } from './line-before.ts';
import { MetricOrder } from './metric-order.ts';
import { parseSample, parseTail, seriesEnd } from './parse-sample.ts';
import type { Sample } from './parse-sample.ts';

const plain = new PlainScanner();
const number: NumberEnd = { end: 0 };
/** Longer tokens than any double needs are read with what may follow them. */
const NUMBER_BYTES_MAX = 32;
/** `# EO`, the first four bytes of the last line. */
const EOF_START = 0x2320454f;
const EOF_BYTES = 5;
const F = 0x46;
/** Samples that the sink calls otherwise: what it finds by their bytes is another family's. */
const RENAMED = Role.GSUM | Role.GCOUNT;
interface OpenMetricsRules {
  /** Whether to refuse what breaks a rule of the specification though nothing could be misread for it. */
  readonly strict: boolean;
}

export function beginOpenMetrics(body: Uint8Array, sink: SampleSink, rules: OpenMetricsRules): PushDecoder {
  return new OpenMetricsReader(body, sink, rules);
}

class OpenMetricsReader implements PushDecoder {
  readonly #body: Uint8Array;
  readonly #view: DataView;
  readonly #sink: SampleSink;
  readonly #known: KnownSeries;
  readonly #isStrict: boolean;
  readonly #families: FamilyReader;
  readonly #buffered: BufferedSamples;
  /** Strict only. */
  readonly #order: MetricOrder | undefined;
  #position = 0;
  /** Whether the line before was a known sample of the family at hand, so that the next ones may be, too. */
  #isExpected = false;
  /** Of the known sample at hand. */
  #exemplar: Exemplar | undefined;
  /** Of the last sample that the sink did not read itself: where name and labels end, and where the next line begins. */
  #lastSeriesEnd = 0;
  #lastLineEnd = 0;

  constructor(body: Uint8Array, sink: SampleSink, { strict }: OpenMetricsRules) {
    this.#body = body;
    this.#view = viewOf(body);
    this.#sink = sink;
    this.#known = sink.known;
    this.#isStrict = strict;
    this.#families = new FamilyReader(body, this.#view, sink, strict);
    this.#buffered = new BufferedSamples(sink, strict);
    this.#order = strict ? new MetricOrder(body, this.#view, sink.known.hashSeed) : undefined;
    sink.readAs('openmetrics', { strict });
  }

  advance(bytes: number): boolean {
    const view = this.#view;
    const known = this.#known;
    const end = sliceEnd(this.#body, this.#position, bytes);
    let position = this.#position;
    if (end === position && end < this.#body.length) throw longLine(position);
    while (position < end) {
      if (this.#isExpected) {
        this.#isExpected = false;
        position = known.addExpected(view, position, end);
        if (position === end) break;
      }
      if (view.getUint8(position) !== HASH) position = this.#readSample(position, end);
      else if (this.#isEof(position, end)) {
        this.#finish(position);
        return true;
      } else {
        const stop = lineEnd(view, position, end);
        this.#buffered.flush();
        this.#order?.close();
        this.#families.readMetadata(position, stop);
        position = stop + 1;
      }
    }
    this.#position = Math.min(position, end);
    if (end === this.#body.length) {
      throw new PushProblem(
        'syntax',
        'the body does not end with the line # EOF, so it may have been truncated; end the body with that line',
        end,
      );
    }
    return false;
  }

  #isEof(position: number, end: number): boolean {
    const stop = position + EOF_BYTES;
    if (stop > end || this.#view.getUint32(position) !== EOF_START || this.#view.getUint8(stop - 1) !== F)
      return false;
    return stop === end || this.#view.getUint8(stop) === LF;
  }

  #finish(position: number): void {
    this.#buffered.flush();
    this.#order?.close();
    this.#families.close();
    const after = position + EOF_BYTES + 1;
    if (after >= this.#body.length) return;
    throw new PushProblem('syntax', 'unexpected content after the line # EOF, which ends the body', after);
  }

  /** One sample line; returns where the next line begins. */
  #readSample(position: number, end: number): number {
    const view = this.#view;
    const families = this.#families;
    const { nameStart, nameLength } = families;
    const nameEnd = position + nameLength;
    const isWaiting = this.#order !== undefined && this.#order.isWaiting;
    if (
      !isWaiting &&
      nameLength > 0 &&
      nameEnd < end &&
      sameBytes(view, position, view, nameStart, nameLength)
    ) {
      const role = roleAt(view, nameEnd, end) & families.type.roles;
      if (role !== 0) {
        this.#enter();
        let stop = -1;
        if (role === Role.CREATED) stop = this.#readCreated(position, end, nameEnd + CREATED_BYTES);
        else if ((role & RENAMED) === 0) stop = this.#readKnown(position, end, role);
        if (stop >= 0) return stop;
      }
    }
    const stop = lineEnd(view, position, end);
    this.#parseSample(position, stop);
    return stop + 1;
  }

  /** To be called before a sample of the family at hand goes to the sink. */
  #enter(): void {
    const families = this.#families;
    if (families.isOpen) families.close();
    families.isSampled = true;
  }

  /** A sample whose series key is known; -1 when it is not, or has a timestamp. */
  #readKnown(position: number, end: number, role: number): number {
    const view = this.#view;
    const known = this.#known;
    let blank = known.guess(view, position, end);
    let reference = blank >= 0 ? known.guessed : UNKNOWN;
    if (blank < 0 || blank >= end || view.getUint8(blank) !== SPACE) {
      blank = seriesEnd(view, position, end);
      if (blank < 0 || blank >= end || view.getUint8(blank) !== SPACE) return -1;
      reference = known.find(view, position, blank, hashBytes(known.hashSeed, view, position, blank));
      if (reference === UNKNOWN) return -1;
    }
    this.#exemplar = undefined;
    let value: number | undefined = readPlainDecimal(view, blank + 1, end, number);
    let stop = number.end;
    if (value !== value || (stop < end && view.getUint8(stop) !== LF)) {
      stop = lineEnd(view, blank, end);
      value = this.#readTail(position, blank, stop, role);
      if (value === undefined) return -1;
    }
    const families = this.#families;
    const { type } = families;
    if (!isGoodValue(type, role, value, this.#isStrict)) {
      throw valueProblem(this.#text(position, blank), value, { type, role, offset: position });
    }
    if (!this.#buffered.isEmpty) {
      if (this.#isStrict) return -1;
      this.#buffered.flush();
    }
    const order = type.isTracked ? this.#order : undefined;
    if (order !== undefined) order.check(position, blank, role, families);
    known.addKnown(reference, value, position);
    if (this.#exemplar !== undefined) this.#sink.addExemplar(this.#exemplar);
    this.#isExpected = families.isTyped && type.isPlain && order === undefined;
    this.#lastSeriesEnd = blank;
    this.#lastLineEnd = stop + 1;
    return stop + 1;
  }

  /** The value of a known sample that is followed by more, or is not a plain decimal; undefined when it has a timestamp. */
  #readTail(start: number, blank: number, stop: number, role: number): number | undefined {
    if (stop - blank <= NUMBER_BYTES_MAX) {
      // Latin-1 cannot turn other bytes into anything that a number is spelled with.
      const text = Buffer.from(this.#body.buffer, this.#body.byteOffset + blank + 1, stop - blank - 1);
      const value = parseFloat64(text.toString('latin1'));
      if (value !== undefined) return value;
    }
    checkLine(this.#body, start, stop);
    const cursor = new Cursor(this.#body, start, stop);
    cursor.position = blank;
    const { value, timestamp, exemplar, exemplarAt } = parseTail(cursor, this.#families.name, this.#isStrict);
    if (exemplarAt !== undefined) this.#checkExemplar(role, exemplarAt);
    this.#exemplar = exemplar;
    return timestamp === undefined ? value : undefined;
  }

  #parseSample(start: number, stop: number): void {
    if (start === stop) {
      if (!this.#isStrict) return;
      throw new PushProblem('syntax', 'empty line; OpenMetrics does not allow empty lines', start);
    }
    checkLine(this.#body, start, stop);
    const sample = parseSample(new Cursor(this.#body, start, stop), this.#isStrict);
    const families = this.#families;
    let role = families.roleOf(sample.name);
    if (role === 0) {
      this.#buffered.flush();
      this.#order?.close();
      families.beginUndeclared(sample.name, start, sample.isBare);
      role = families.roleOf(sample.name);
    }
    const { type } = families;
    checkReserved(sample, type, role, families.name);
    if (sample.exemplarAt !== undefined) this.#checkExemplar(role, sample.exemplarAt);
    if (!isGoodValue(type, role, sample.value, this.#isStrict)) {
      throw valueProblem(this.#text(start, sample.seriesEnd), sample.value, { type, role, offset: start });
    }
    if (this.#order !== undefined) {
      this.#checkClock(sample, role);
      this.#checkPlace(sample, role, this.#order);
    }
    this.#enter();
    const parsed = { sample, name: families.sampleName(sample.name, role), isStart: role === Role.CREATED };
    if (sample.timestamp !== undefined) {
      this.#buffered.add(parsed, sample.timestamp, reservedLabel(type, role, families.name));
      return;
    }
    this.#buffered.flush();
    const view = this.#view;
    const sink = this.#sink;
    this.#lastSeriesEnd = sample.seriesEnd;
    this.#lastLineEnd = stop + 1;
    if (!parsed.isStart && parsed.name === sample.name && plain.scan(view, start, sample.seriesEnd)) {
      const hash = hashBytes(this.#known.hashSeed, view, start, sample.seriesEnd);
      if (this.#known.addPlain(view, plain, hash, sample.value)) {
        if (sample.exemplar !== undefined) sink.addExemplar(sample.exemplar);
        return;
      }
    }
    emitSample(sink, parsed);
  }

  /**
   * A start time of the series in the line before, as nearly all are; returns where the next line begins, or -1 when it is not so
   * plain. `labels` is where the name of the sample ends.
   */
  #readCreated(position: number, end: number, labels: number): number {
    const view = this.#view;
    if (!this.#buffered.isEmpty) return -1;
    const blank = seriesEnd(view, labels, end);
    if (blank < 0 || blank >= end || view.getUint8(blank) !== SPACE) return -1;
    const { isTyped, type } = this.#families;
    const before = position === this.#lastLineEnd ? this.#lastSeriesEnd : seriesEndBefore(view, position);
    if (!isSameSeries(view, before, { start: position, labels, end: blank }, type)) return -1;
    let seconds: number | undefined = readPlainDecimal(view, blank + 1, end, number);
    let stop = number.end;
    if (seconds !== seconds || (stop < end && view.getUint8(stop) !== LF)) {
      stop = lineEnd(view, blank, end);
      seconds = this.#readTail(position, blank, stop, Role.CREATED);
      if (seconds === undefined) return -1;
    }
    if (isStartTime(seconds)) this.#sink.addStart(seconds * 1_000);
    this.#isExpected = isTyped && type.isPlain && (this.#order === undefined || !type.isTracked);
    return stop + 1;
  }

  /** Throws a PushProblem where a sample stands apart from others of its metric, as far as the sink does not. */
  #checkPlace(sample: Sample, role: number, order: MetricOrder): void {
    const families = this.#families;
    const { start, seriesEnd: end, labels } = sample;
    if (families.type.isTracked) {
      order.check(start, end, role, families);
      return;
    }
    const isStart = role === Role.CREATED;
    if (order.isWaiting) order.follow(labels, reservedLabel(families.type, role, families.name), isStart);
    else if (isStart && !this.#buffered.holds(labels, '') && !this.#isAfterSameMetric(sample, ''))
      order.wait({ start, end }, labels);
  }

  /** Throws a PushProblem where one sample of a metric has a timestamp and the one in the line before has none, or the other way round. */
  #checkClock(sample: Sample, role: number): void {
    const families = this.#families;
    const reserved = reservedLabel(families.type, role, families.name);
    if (this.#buffered.holds(sample.labels, reserved) === (sample.timestamp !== undefined)) return;
    if (sample.timestamp !== undefined && !this.#isAfterSameMetric(sample, reserved)) return;
    throw new PushProblem(
      'syntax',
      `${shorten(sample.name)} has ${sample.timestamp === undefined ? 'no timestamp' : 'a timestamp'}, unlike the previous sample of the same series; write a timestamp on all samples of a metric or on none`,
      sample.start,
    );
  }

  /** Whether the line before is a sample of the same metric. */
  #isAfterSameMetric({ start, labels }: Sample, reserved: string): boolean {
    const families = this.#families;
    // What is held is of the line before.
    if (!families.isSampled || families.isOpen || !this.#buffered.isEmpty) return false;
    const before = this.#body.lastIndexOf(LF, start - 2) + 1;
    if (start < 2 || before === start - 1 || this.#view.getUint8(before) === HASH) return false;
    const sample = parseSample(new Cursor(this.#body, before, start - 1), true);
    const role = families.roleOf(sample.name);
    if (role === 0) return false;
    return (
      metricOf(sample.labels, reservedLabel(families.type, role, families.name)) ===
      metricOf(labels, reserved)
    );
  }

  #checkExemplar(role: number, at: number): void {
    if (!this.#isStrict || role === Role.TOTAL || role === Role.BUCKET) return;
    throw new PushProblem(
      'syntax',
      'exemplars are only allowed on the _total of a counter and on buckets; leave it out here',
      at,
    );
  }

  #text(start: number, end: number): string {
    return Buffer.from(this.#body.buffer, this.#body.byteOffset + start, end - start).toString('utf8');
  }
}
