/**
 * Reads Prometheus' protobuf, delimited, into a sink: one MetricFamily message after the other, each behind its length.
 *
 *   [ length | name help type | metric | metric | … | unit ] [ length | …
 *
 * Fields may come in any order, so each message is passed over once for what its family is, and then read metric by metric. What is
 * hard here is speed, as in text; what was seen before is found by its bytes:
 *
 *   family    its header as it was sent, from the first byte up to the first metric
 *   metric    its label fields as they were sent (`SeriesKeys`); of a histogram they lead to its count, and the sink knows what
 *             else belongs to that
 *
 * Anything else is parsed, and labels are looked into only then: what is found proves that they are good.
 */
import { PushProblem } from '../../model/errors.ts';
import type { PushDecoder } from '../../model/push-decoder.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { hashBytes } from '../../primitives/hash.ts';
import { shorten } from '../../primitives/quote.ts';
import { MetricReader } from './metric.ts';
import { family as familyTags, typesByNumber } from './schema.ts';
import type { ProtobufType } from './schema.ts';
import { SeenFamilies } from './seen-families.ts';
import { WireReader } from './wire.ts';

export function beginProtobuf(body: Uint8Array, sink: SampleSink): PushDecoder {
  return new FamilyReader(body, sink);
}

type Phase = 'between' | 'header' | 'metrics';

const tags = Object.values(familyTags);
const NOWHERE = -1;

class FamilyReader implements PushDecoder {
  readonly #sink: SampleSink;
  readonly #known: KnownSeries;
  readonly #reader: WireReader;
  readonly #metrics: MetricReader;
  readonly #seen: SeenFamilies;
  #phase: Phase = 'between';
  /** Where to go on; in `metrics` this is behind the header once more. */
  #position = 0;
  /** Of the message being read. */
  #start = 0;
  #end = 0;
  /** What was found of its header. */
  #nameStart = NOWHERE;
  #nameEnd = 0;
  #helpStart = NOWHERE;
  #helpEnd = 0;
  #unitStart = NOWHERE;
  #unitEnd = 0;
  #type = NOWHERE;
  #firstMetric = NOWHERE;
  /** Name, help and type stand once each, the name first, and nothing else before the first metric. */
  #plain = true;

  constructor(body: Uint8Array, sink: SampleSink) {
    this.#sink = sink;
    this.#known = sink.known;
    this.#reader = new WireReader(body);
    this.#metrics = new MetricReader(this.#reader, sink);
    this.#seen = new SeenFamilies(body);
  }

  advance(bytes: number): boolean {
    const { length } = this.#reader.bytes;
    let rest = bytes;
    while (rest > 0 && !(this.#phase === 'between' && this.#position === length)) {
      const from = this.#position;
      const until = Math.min(from + rest, length);
      switch (this.#phase) {
        case 'between':
          this.#begin();
          break;
        case 'header':
          this.#scan(until);
          break;
        case 'metrics':
          this.#read(until);
          break;
      }
      rest -= Math.max(this.#position - from, 0);
      if (this.#phase === 'header' && this.#position === this.#end) this.#declare();
    }
    return this.#phase === 'between' && this.#position === length;
  }

  #begin(): void {
    const reader = this.#reader;
    reader.enter(this.#position, reader.bytes.length);
    this.#end = reader.bytesEnd();
    this.#start = reader.at;
    this.#position = reader.at;
    this.#nameStart = NOWHERE;
    this.#helpStart = NOWHERE;
    this.#unitStart = NOWHERE;
    this.#type = NOWHERE;
    this.#firstMetric = NOWHERE;
    this.#plain = true;
    this.#phase = 'header';
  }

  /** Looks for the header, in fields up to `until`. */
  #scan(until: number): void {
    const reader = this.#reader;
    reader.enter(this.#position, this.#end);
    const stop = Math.min(until, this.#end);
    while (reader.at < stop) {
      const at = reader.at;
      const tag = reader.tag();
      switch (tag) {
        case familyTags.metric:
          if (this.#firstMetric === NOWHERE) this.#firstMetric = at;
          reader.at = reader.bytesEnd();
          break;
        case familyTags.name: {
          this.#plain &&= this.#nameStart === NOWHERE && at === this.#start;
          const end = reader.bytesEnd();
          this.#nameStart = reader.at;
          this.#nameEnd = end;
          reader.at = end;
          break;
        }
        case familyTags.help: {
          this.#plain &&= this.#helpStart === NOWHERE && this.#firstMetric === NOWHERE;
          const end = reader.bytesEnd();
          this.#helpStart = reader.at;
          this.#helpEnd = end;
          reader.at = end;
          break;
        }
        case familyTags.type:
          this.#plain &&= this.#type === NOWHERE && this.#firstMetric === NOWHERE;
          this.#type = reader.varint();
          break;
        case familyTags.unit: {
          // It stands behind the metrics, where it hinders nothing.
          this.#plain &&= this.#firstMetric !== NOWHERE;
          const end = reader.bytesEnd();
          this.#unitStart = reader.at;
          this.#unitEnd = end;
          reader.at = end;
          break;
        }
        default:
          this.#plain &&= this.#firstMetric !== NOWHERE;
          reader.skipUnused(tag, tags);
      }
    }
    this.#position = reader.at;
  }

  /** Tells the sink of the family whose header was found, and goes back to its metrics. */
  #declare(): void {
    const start = this.#start;
    if (this.#nameStart === NOWHERE || this.#nameStart === this.#nameEnd) {
      throw new PushProblem('invalid_name', 'the family has no name', start);
    }
    const type = this.#knownType();
    const headerEnd = this.#firstMetric === NOWHERE ? this.#end : this.#firstMetric;
    this.#tell(type, headerEnd);
    if (this.#unitStart !== NOWHERE && this.#unitStart < this.#unitEnd) this.#tellUnit();
    this.#metrics.setFamily(type, this.#nameStart, this.#nameEnd);
    this.#position = headerEnd;
    this.#phase = this.#position === this.#end ? 'between' : 'metrics';
  }

  /** Tells the sink of the family, unless an earlier message did. */
  #tell(type: ProtobufType, headerEnd: number): void {
    const sink = this.#sink;
    const reader = this.#reader;
    const start = this.#start;
    const reference = this.#plain ? this.#findHeader(start, headerEnd) : UNKNOWN;
    if (reference !== UNKNOWN && !this.#seen.isByName && this.#isNewKnown(reference)) return;
    const name = reader.text(this.#nameStart, this.#nameEnd);
    const help = this.#helpStart === NOWHERE ? undefined : reader.text(this.#helpStart, this.#helpEnd);
    if (!this.#seen.add(name, type, start)) {
      sink.returnTo(name);
      return;
    }
    if (reference !== UNKNOWN) this.#known.addKnown(reference, 0, start);
    else sink.addFamily(name, { type, help }, { start, end: headerEnd, repeatable: this.#plain });
  }

  /** Tells the sink of a family that it knows; false when an earlier message did. */
  #isNewKnown(reference: number): boolean {
    try {
      this.#known.addKnown(reference, 0, this.#start);
      return true;
    } catch (error) {
      if (error instanceof PushProblem && error.code === 'duplicate_metadata') return false;
      throw error;
    }
  }

  #findHeader(start: number, end: number): number {
    const known = this.#known;
    const { view } = this.#reader;
    const guessed = known.guessKey(view, 0, view, start, end);
    if (guessed !== UNKNOWN) return guessed;
    return known.findKey(view, start, end, hashBytes(known.hashSeed, view, start, end));
  }

  #tellUnit(): void {
    const reader = this.#reader;
    const name = reader.text(this.#nameStart, this.#nameEnd);
    this.#sink.addUnit(name, reader.text(this.#unitStart, this.#unitEnd));
  }

  /** A type that is left out is the first one. */
  #knownType(): ProtobufType {
    const number = Math.max(this.#type, 0);
    const type = typesByNumber[number];
    if (type !== undefined) return type;
    const name = this.#reader.text(this.#nameStart, this.#nameEnd);
    throw new PushProblem(
      'unsupported_type',
      `${shorten(name)} has the type number ${number}; the supported types are counter, gauge, histogram, gauge histogram, summary and untyped`,
      this.#start,
    );
  }

  /** Reads the metrics that begin before `until`. */
  #read(until: number): void {
    const reader = this.#reader;
    const end = this.#end;
    const stop = Math.min(until, end);
    reader.enter(this.#position, end);
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === familyTags.metric) {
        const next = reader.bytesEnd();
        this.#metrics.read(reader.at, next);
        reader.enter(next, end);
      } else reader.skip(tag);
    }
    this.#position = reader.at;
    if (this.#position === end) this.#phase = 'between';
  }
}
