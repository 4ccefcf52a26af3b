/** Sinks for tests of decoders: one that writes down what it is told, and one that knows nothing again. */
import type { Exemplar } from '../../src/model/exemplar.ts';
import type { Label } from '../../src/model/labels.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import type { NativeBuckets, NativeHistogram } from '../../src/model/native-histogram.ts';
import { UNKNOWN } from '../../src/model/known-series.ts';
import type { KnownSeries } from '../../src/model/known-series.ts';
import type { Dialect, SampleSink, SeriesKey } from '../../src/model/sample-sink.ts';
import { seriesText } from '../../src/model/series-text.ts';
import { formatFloat64 } from '../../src/primitives/float.ts';

/** Nothing was seen before. */
class NothingKnown implements KnownSeries {
  readonly hashSeed = 1;
  readonly guessed = UNKNOWN;

  addExpected(_view: DataView, start: number): number {
    return start;
  }
  guess(): number {
    return -1;
  }
  find(): number {
    return UNKNOWN;
  }
  guessKey(): number {
    return UNKNOWN;
  }
  findKey(): number {
    return UNKNOWN;
  }
  findSum(): number {
    return UNKNOWN;
  }
  findBucket(): number {
    return UNKNOWN;
  }
  addKnown(): void {
    throw new Error('nothing is known');
  }
  addPlain(): boolean {
    return false;
  }
  addDiscarded(): void {
    throw new Error('nothing is known');
  }
}

/** What was told, line by line; what is of the sample before is indented. */
export class RecordingSink implements SampleSink {
  readonly known: KnownSeries = new NothingKnown();
  readonly lines: string[] = [];

  get text(): string {
    return this.lines.map((line) => `${line}\n`).join('');
  }

  readAs(): void {}

  addSample(name: string, labels: readonly Label[], value: number): void {
    this.lines.push(`${seriesText(name, labels)} ${formatFloat64(value)}`);
  }

  addType(name: string, type: MetricType): void {
    this.lines.push(`type ${name} ${type}`);
  }

  addHelp(name: string, help: string): void {
    this.lines.push(`help ${name} ${help}`);
  }

  addFamily(
    name: string,
    { type, help }: { readonly type: MetricType; readonly help: string | undefined },
  ): void {
    this.addType(name, type);
    if (help !== undefined) this.addHelp(name, help);
  }

  returnTo(): void {}

  addUnit(name: string, unit: string): void {
    this.lines.push(`unit ${name} ${unit}`);
  }

  addStart(startMs: number): void {
    this.lines.push(`  start ${startMs}`);
  }

  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    this.lines.push(`start of ${seriesText(name, labels)} ${startMs}`);
  }

  addExemplar({ labels, value, timestampMs }: Exemplar, native = false): void {
    const at = timestampMs === undefined ? '' : ` at ${timestampMs}`;
    const what = seriesText(native ? 'native_exemplar' : 'exemplar', labels);
    this.lines.push(`  ${what} ${formatFloat64(value)}${at}`);
  }

  addNative(histogram: NativeHistogram): void {
    const { schema, zeroThreshold, zeroCount, count, sum, positive, negative } = histogram;
    this.lines.push(
      `  native schema ${schema}, count ${count}, sum ${sum}, zero ${zeroCount} up to ${zeroThreshold}, positive ${shown(positive)}, negative ${shown(negative)}`,
    );
  }
}

/** The buckets that are not empty. */
function shown({ indexes, counts }: NativeBuckets): string {
  const buckets = indexes.flatMap((index, i) => (counts[i] === 0 ? [] : [`${index}:${counts[i]}`]));
  return `[${buckets.join(' ')}]`;
}

/** Passes on to another sink, but so that all must be told in words. */
export class ForgetfulSink implements SampleSink {
  readonly known: KnownSeries = new NothingKnown();
  readonly #to: SampleSink;

  constructor(to: SampleSink) {
    this.#to = to;
  }

  readAs(dialect: Dialect, rules: { readonly strict: boolean }): void {
    this.#to.readAs(dialect, rules);
  }
  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void {
    this.#to.addSample(name, labels, value, { ...seriesKey, repeatable: false });
  }
  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.#to.addType(name, type, { ...seriesKey, repeatable: false });
  }
  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    this.#to.addHelp(name, help, { ...seriesKey, repeatable: false });
  }
  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.#to.addFamily(name, is, { ...seriesKey, repeatable: false });
  }
  returnTo(name: string): void {
    this.#to.returnTo(name);
  }
  addUnit(name: string, unit: string): void {
    this.#to.addUnit(name, unit);
  }
  addStart(startMs: number): void {
    this.#to.addStart(startMs);
  }
  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    this.#to.addStartOf(name, labels, startMs);
  }
  addExemplar(exemplar: Exemplar, native?: boolean): void {
    this.#to.addExemplar(exemplar, native);
  }
  addNative(histogram: NativeHistogram, offset: number): void {
    this.#to.addNative(histogram, offset);
  }
}
