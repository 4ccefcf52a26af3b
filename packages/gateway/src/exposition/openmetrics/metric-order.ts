/**
 * Strict OpenMetrics wants all lines of a metric, which is a set of labels, one after the other. Of histograms the sink sees to it. Here it is
 * for summaries and statesets, of which quantiles and states are told apart by a label besides the metric's, and for start times, which are
 * no samples to the sink.
 *
 * Nearly every line is like the one before but for that label, and is compared with it byte by byte. Of others the labels are read, and of each
 * metric of the family eight bytes are kept.
 */
import { PushProblem } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import { BACKSLASH, EQUALS, LEFT_BRACE, QUOTE, RIGHT_BRACE, sameBytes } from '../../primitives/bytes.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import { shorten } from '../../primitives/quote.ts';
import { Cursor } from '../line-cursor.ts';
import { reservedLabel } from './check-sample.ts';
import { Role } from './family-types.ts';
import type { FamilyType } from './family-types.ts';
import { metricOf } from './buffered-samples.ts';
import { parseLabels } from './parse-sample.ts';

/** A metric's key: the sums of two hashes of each label, which no two metrics of a body are likely to have in common. */
const sums = new Uint32Array(2);
const key = new DataView(sums.buffer);
const nothing = Buffer.alloc(0);

/** The family at hand. */
interface OfFamily {
  readonly name: string;
  readonly type: FamilyType;
}

/** Name and labels of a sample by their places in the body. */
interface Series {
  readonly start: number;
  readonly end: number;
}

export class MetricOrder {
  readonly #body: Uint8Array;
  readonly #view: DataView;
  readonly #hashSeed: number;
  /** Metrics of the family at hand that were begun, by their labels. */
  #begun: ByteTable | undefined;
  #family: string | undefined;
  /** The label of some of its samples that is none of the metric's. */
  #reserved = nothing;
  /** The entry of the metric at hand; -1 before the first one. */
  #metric = -1;
  /** Of a line of it: where its labels stand, and in them the value of the label that is none of the metric's, or -1. */
  #labels = 0;
  #end = 0;
  #valueStart = -1;
  #valueEnd = -1;
  /** Of the label at hand. */
  #low = 0;
  #high = 0;
  /** A start time that did not follow a sample of its metric, so that one must follow. */
  #waiting: (Series & { readonly metric: string }) | undefined;

  constructor(body: Uint8Array, view: DataView, hashSeed: number) {
    this.#body = body;
    this.#view = view;
    this.#hashSeed = hashSeed;
  }

  /**
   * Throws a PushProblem for a sample whose metric was begun before the one that the line before is of; name and labels stand from `start`
   * to `end`. For types that are `isTracked`.
   */
  check(start: number, end: number, role: number, family: OfFamily): void {
    const view = this.#view;
    const { name } = family;
    if (name !== this.#family) this.#begin(family);
    // A name in quotes stands within the braces, and all others are of as many bytes as characters.
    let labels = view.getUint8(start) === LEFT_BRACE ? start : start + name.length;
    while (labels < end && view.getUint8(labels) !== LEFT_BRACE) labels += 1;
    const hasReserved = role === Role.OWN;
    if (this.#isLikeBefore(labels, end, hasReserved)) return;
    this.#labels = labels;
    this.#end = end;
    this.#read(labels, end, hasReserved);
    const before = this.#metric;
    if (!this.#enter() && this.#metric !== before) throw this.#problem({ start, end });
  }

  /** Whether a start time waits for a sample of its metric, so that the next line must be parsed. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Notes a start time that follows no sample of its metric. */
  wait(series: Series, labels: readonly Label[]): void {
    this.#waiting = { ...series, metric: metricOf(labels, '') };
  }

  /** The line after one that waits. Another start time of the metric does not end the waiting. */
  follow(labels: readonly Label[], reserved: string, isStart: boolean): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (metricOf(labels, reserved) !== waiting.metric) throw this.#problem(waiting);
    if (!isStart) this.#waiting = undefined;
  }

  /** No sample of the family at hand comes next. */
  close(): void {
    if (this.#waiting !== undefined) throw this.#problem(this.#waiting);
  }

  #begin({ name, type }: OfFamily): void {
    this.#family = name;
    this.#reserved = Buffer.from(reservedLabel(type, Role.OWN, name));
    this.#metric = -1;
    this.#labels = 0;
    this.#end = 0;
    this.#valueStart = -1;
    if (this.#begun !== undefined && this.#begun.size > 0) this.#begun.clear();
  }

  /** Whether the labels are those of the line before, but for the label that is none of the metric's. */
  #isLikeBefore(labels: number, end: number, hasReserved: boolean): boolean {
    const view = this.#view;
    if (this.#metric < 0) return false;
    if (!hasReserved) {
      if (this.#valueStart >= 0) return this.#isLikeRestBefore(labels, end);
      const length = this.#end - this.#labels;
      return end - labels === length && sameBytes(view, labels, view, this.#labels, length);
    }
    if (this.#valueStart < 0) return false;
    const head = this.#valueStart - this.#labels;
    if (end - labels < head || !sameBytes(view, labels, view, this.#labels, head)) return false;
    let stop = labels + head;
    while (stop < end && view.getUint8(stop) !== QUOTE) {
      if (view.getUint8(stop) === BACKSLASH) return false;
      stop += 1;
    }
    const tail = this.#end - this.#valueEnd;
    return end - stop === tail && sameBytes(view, stop, view, this.#valueEnd, tail);
  }

  /** Whether the labels are those of the line before without that label, where it is the last one there. */
  #isLikeRestBefore(labels: number, end: number): boolean {
    const view = this.#view;
    // Before it stand a comma or the brace, its name, an equals sign and a quote; behind it a quote and the brace.
    const head = this.#valueStart - this.#reserved.length - 3 - this.#labels;
    if (this.#valueEnd !== this.#end - 2) return false;
    const isAlone = head === 0;
    if (isAlone ? labels !== end : end - labels !== head + 1 || view.getUint8(end - 1) !== RIGHT_BRACE)
      return false;
    if (!sameBytes(view, labels, view, this.#labels, head)) return false;
    this.#labels = labels;
    this.#end = end;
    this.#valueStart = -1;
    return true;
  }

  /** Adds up the labels of the metric, in whatever order they are, and notes where the value of the other one stands. */
  #read(labels: number, end: number, hasReserved: boolean): void {
    const view = this.#view;
    sums.fill(0);
    this.#valueStart = -1;
    // Up to the closing brace. What is known, or has been parsed, is well-formed.
    for (let at = labels + 1; at < end - 1; at += 1) {
      const isQuoted = view.getUint8(at) === QUOTE;
      const nameStart = isQuoted ? at + 1 : at;
      const nameEnd = this.#endOf(nameStart, isQuoted ? QUOTE : EQUALS);
      if (nameEnd < 0) return this.#readEscaped(labels, end, hasReserved);
      at = isQuoted ? nameEnd + 1 : nameEnd;
      // The name of the metric has no value.
      if (view.getUint8(at) !== EQUALS) continue;
      const valueStart = at + 2;
      const valueEnd = this.#endOf(valueStart, QUOTE);
      if (valueEnd < 0) return this.#readEscaped(labels, end, hasReserved);
      at = valueEnd + 1;
      if (hasReserved && this.#isReserved(nameStart, nameEnd)) {
        this.#valueStart = valueStart;
        this.#valueEnd = valueEnd;
      } else if (valueEnd > valueStart) {
        this.#beginLabel();
        this.#mix(this.#body, nameStart, nameEnd);
        this.#mix(this.#body, valueStart, valueEnd);
        this.#addLabel();
      }
    }
  }

  /** Labels with escapes, which may be written in several ways. */
  #readEscaped(start: number, end: number, hasReserved: boolean): void {
    const labels: Label[] = [];
    const reserved = hasReserved ? this.#reserved.toString() : '';
    parseLabels(new Cursor(this.#body, start, end), labels, true);
    sums.fill(0);
    this.#valueStart = -1;
    for (const { name, value } of labels) {
      if (name === reserved || value === '') continue;
      this.#beginLabel();
      for (const text of [name, value]) {
        const bytes = Buffer.from(text);
        this.#mix(bytes, 0, bytes.length);
      }
      this.#addLabel();
    }
  }

  #beginLabel(): void {
    this.#low = this.#hashSeed;
    this.#high = ~this.#hashSeed;
  }

  /** Takes a name or a value into the hashes of the label at hand. */
  #mix(bytes: Uint8Array, start: number, end: number): void {
    let low = this.#low ^ (end - start);
    let high = this.#high;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]!;
      low = Math.imul(low ^ byte, 0x85ebca6b);
      low ^= low >>> 15;
      high = Math.imul(high ^ byte, 0x9e3779b1);
      high ^= high >>> 13;
    }
    this.#low = low;
    this.#high = high;
  }

  #addLabel(): void {
    sums[0]! += Math.imul(this.#low, 0xc2b2ae35);
    sums[1]! += Math.imul(this.#high, 0x27d4eb2f);
  }

  /** Makes the metric of these sums the one at hand; false when it was begun before. */
  #enter(): boolean {
    const begun = (this.#begun ??= new ByteTable(this.#hashSeed));
    const hash = begun.hash(key, 0, key.byteLength);
    this.#metric = begun.find(key, 0, key.byteLength, hash);
    if (this.#metric >= 0) return false;
    this.#metric = begun.insert(key, 0, key.byteLength, hash);
    return true;
  }

  /** Where a byte stands next; -1 where there is a backslash before it. */
  #endOf(start: number, stop: number): number {
    const view = this.#view;
    for (let at = start; ; at += 1) {
      const byte = view.getUint8(at);
      if (byte === stop) return at;
      if (byte === BACKSLASH) return -1;
    }
  }

  #isReserved(start: number, end: number): boolean {
    const name = this.#reserved;
    if (end - start !== name.length) return false;
    for (let i = 0; i < name.length; i += 1) if (this.#body[start + i] !== name[i]) return false;
    return true;
  }

  #problem({ start, end }: Series): PushProblem {
    const series = Buffer.from(this.#body.buffer, this.#body.byteOffset + start, end - start);
    return new PushProblem(
      'syntax',
      `${shorten(series.toString('utf8'))} is separated from the other samples with its labels; write all lines of a metric together`,
      start,
    );
  }
}
