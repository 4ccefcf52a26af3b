/**
 * A sink of series keys of which it is remembered what they lead to. What it need not look at goes to the builder as it is: metadata, and what
 * belongs to the sample before.
 */
import type { Exemplar } from '../../model/exemplar.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { Label } from '../../model/labels.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { Dialect, SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { HASH } from '../../primitives/bytes.ts';
import type { State } from '../../state/state.ts';
import type { PushBuilder } from '../push-builder.ts';
import { KnownKeys } from './known-keys.ts';
import type { PlacementMemo } from './placement-memo.ts';
import type { PushRules } from './push-rules.ts';
import { readRenamed } from './renamed-run.ts';
import type { SingleGroups } from './single-groups.ts';

export abstract class KeyedSink implements SampleSink, KnownSeries {
  readonly known: KnownSeries = this;
  readonly hashSeed: number;
  guessed: number = UNKNOWN;
  protected readonly state: State;
  protected readonly builder: PushBuilder;
  protected readonly keys: KnownKeys;
  protected rules!: PushRules;
  /** Undefined where several groups may be of one composite series. */
  protected readonly singles: SingleGroups | undefined;
  readonly #memo: PlacementMemo;

  constructor(state: State, builder: PushBuilder, memo: PlacementMemo) {
    this.hashSeed = state.hashSeed;
    this.state = state;
    this.builder = builder;
    this.keys = new KnownKeys(memo.nothing);
    this.#memo = memo;
  }

  protected beginPush(rules: PushRules): void {
    this.rules = rules;
    this.#beginTable('text');
  }

  get newSeries(): number {
    return this.builder.newSeries;
  }

  readAs(dialect: Dialect, options: { readonly strict: boolean }): void {
    this.#beginTable(dialect);
    this.builder.readAs(dialect, options);
  }

  addExpected(view: DataView, start: number, end: number): number {
    const { keys, singles } = this;
    const run = this.builder.expected;
    if (run.families.meaningsChanged) return start;
    return readRenamed(view, { start, end }, { run, keys, singles });
  }

  guess(view: DataView, start: number, end: number): number {
    if (view.getUint8(start) === HASH) {
      const stop = this.builder.guess(view, start, end);
      this.guessed = this.builder.guessed;
      return stop;
    }
    const { next } = this.keys;
    const length = this.keys.matchLength(view, start, end);
    if (length < 0) return -1;
    this.guessed = this.met(next);
    return this.guessed === UNKNOWN ? -1 : start + length;
  }

  /** The accumulator for a key of the table; UNKNOWN where it has to be parsed. */
  protected abstract met(key: number): number;

  abstract find(view: DataView, start: number, end: number, hash: number): number;
  abstract guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number;
  abstract findKey(view: DataView, start: number, end: number, hash: number): number;
  abstract addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void;
  abstract addStartOf(name: string, labels: readonly Label[], startMs: number): void;

  findSum(count: number): number {
    return this.builder.findSum(count);
  }

  findBucket(count: number, bound: number): number {
    return this.builder.findBucket(count, bound);
  }

  addKnown(reference: number, value: number, offset: number): void {
    this.builder.addKnown(reference, value, offset);
  }

  addDiscarded(samples: number): void {
    this.builder.addDiscarded(samples);
  }

  /** A canonical series is parsed as others are, as it becomes another. */
  addPlain(): boolean {
    return false;
  }

  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.builder.addType(name, type, seriesKey);
  }

  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    this.builder.addHelp(name, help, seriesKey);
  }

  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.builder.addFamily(name, is, seriesKey);
  }

  returnTo(name: string): void {
    this.builder.returnTo(name);
  }

  addUnit(name: string, unit: string): void {
    this.builder.addUnit(name, unit);
  }

  addStart(startMs: number): void {
    this.builder.addStart(startMs);
  }

  addExemplar(exemplar: Exemplar, native?: boolean): void {
    this.builder.addExemplar(exemplar, native);
  }

  addNative(histogram: NativeHistogram, offset: number): void {
    this.builder.addNative(histogram, offset);
  }

  #beginTable(dialect: Dialect): void {
    this.keys.begin(this.#memo.tableFor(this.rules, dialect), this.state.losses);
  }
}
