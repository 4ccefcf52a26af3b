/**
 * Adds labels of the path, where that is all that is done to a push: the builder does it, line by line, and what each series key has led to is
 * remembered here for the next push of such a path.
 */
import type { Label } from '../../model/labels.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { Dialect, SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { HASH, viewOf } from '../../primitives/bytes.ts';
import type { State } from '../../state/state.ts';
import { AccumulatorKind } from '../../store/policies.ts';
import type { PushBuilder } from '../push-builder.ts';
import { BuilderSink } from './builder-sink.ts';
import { KnownKeys } from './known-keys.ts';
import type { PlacementMemo } from './placement-memo.ts';
import type { PushRules } from './push-rules.ts';
import { readRenamed } from './renamed-run.ts';

export class LabelledSeries extends BuilderSink implements SampleSink, KnownSeries {
  readonly known: KnownSeries = this;
  readonly hashSeed: number;
  guessed: number = UNKNOWN;
  readonly #state: State;
  readonly #builder: PushBuilder;
  readonly #memo: PlacementMemo;
  readonly #keys: KnownKeys;
  #body: DataView = new DataView(new ArrayBuffer(0));
  #rules!: PushRules;

  constructor(state: State, builder: PushBuilder, memo: PlacementMemo) {
    super(builder);
    this.hashSeed = state.hashSeed;
    this.#state = state;
    this.#builder = builder;
    this.#memo = memo;
    this.#keys = new KnownKeys(memo.nothing);
  }

  /** The builder must have been begun with the labels that series get. */
  begin(body: Uint8Array, rules: PushRules): void {
    this.#body = viewOf(body);
    this.#rules = rules;
    this.#beginTable('text');
  }

  get newSeries(): number {
    return this.#builder.newSeries;
  }

  readAs(dialect: Dialect, options: { readonly strict: boolean }): void {
    this.#beginTable(dialect);
    this.#builder.readAs(dialect, options);
  }

  addExpected(view: DataView, start: number, end: number): number {
    const run = this.#builder.expected;
    if (run.families.meaningsChanged) return start;
    return readRenamed(view, { start, end }, { run, keys: this.#keys });
  }

  guess(view: DataView, start: number, end: number): number {
    if (view.getUint8(start) === HASH) {
      const stop = this.#builder.guess(view, start, end);
      this.guessed = this.#builder.guessed;
      return stop;
    }
    const { next } = this.#keys;
    const length = this.#keys.matchLength(view, start, end);
    if (length < 0) return -1;
    this.guessed = this.#met(next);
    return this.guessed === UNKNOWN ? -1 : start + length;
  }

  find(view: DataView, start: number, end: number, hash: number): number {
    const key = view.getUint8(start) === HASH ? -1 : this.#keys.table.keys.find(view, start, end, hash);
    const known = key < 0 ? UNKNOWN : this.#met(key);
    return known === UNKNOWN ? this.#builder.find(view, start, end, hash) : known;
  }

  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number {
    const { next } = this.#keys;
    const known = this.#keys.isInTwo(head, headEnd, view, start, end) ? this.#met(next) : UNKNOWN;
    return known === UNKNOWN ? this.#builder.guessKey(head, headEnd, view, start, end) : known;
  }

  findKey(view: DataView, start: number, end: number, hash: number): number {
    const key = this.#keys.table.keys.find(view, start, end, hash);
    const known = key < 0 ? UNKNOWN : this.#met(key);
    return known === UNKNOWN ? this.#builder.findKey(view, start, end, hash) : known;
  }

  findSum(count: number): number {
    return this.#builder.findSum(count);
  }

  findBucket(count: number, bound: number): number {
    return this.#builder.findBucket(count, bound);
  }

  addKnown(reference: number, value: number, offset: number): void {
    this.#builder.addKnown(reference, value, offset);
  }

  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void {
    const builder = this.#builder;
    const { length } = builder.batch;
    builder.addSample(name, labels, value, seriesKey);
    if (!seriesKey.repeatable || builder.batch.length !== length + 1) return;
    // What is new has no accumulator yet, and what a line has given another meaning may have this one in this push alone.
    const accumulator = builder.batch.accumulators[length]!;
    if (accumulator < 0 || builder.expected.families.meaningsChanged) return;
    const { start, end, key } = seriesKey;
    const { table } = this.#keys;
    if (key === undefined) table.learn(this.#body, start, end, accumulator);
    else table.learn(key.view, key.start, key.end, accumulator);
  }

  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    this.#builder.addStartOf(name, labels, startMs);
  }

  #beginTable(dialect: Dialect): void {
    this.#keys.begin(this.#memo.tableFor(this.#rules, dialect), this.#state.losses);
  }

  #met(key: number): number {
    const accumulator = this.#keys.table.accumulators[key]!;
    if (accumulator < 0 || this.#builder.expected.families.meaningsChanged) return UNKNOWN;
    if (this.#state.accumulators.kind[accumulator] === AccumulatorKind.FREE) return UNKNOWN;
    this.#keys.pass(key);
    return accumulator;
  }
}
