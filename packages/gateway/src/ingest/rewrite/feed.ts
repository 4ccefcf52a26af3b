/**
 * Gives a push as the rules have it to the builder of its batch, family by family, with the offsets of the lines that were pushed. Series
 * that became equal are one value here.
 */
import type { Exemplar } from '../../model/exemplar.ts';
import { newer, newestExemplars } from '../../model/exemplar.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { parseSeriesText } from '../../model/series-text.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { addHistograms } from '../../histogram/add.ts';
import { foldedBound } from '../../histogram/folded-bound.ts';
import type { GaugePolicy, Rules } from '../../rules/rules.ts';
import type { State } from '../../state/state.ts';
import { START_SECONDS_MIN } from '../../store/families.ts';
import { mergeHistograms } from './merge-histograms.ts';
import type { MergedBucket, PushedHistogram } from './merge-histograms.ts';
import { exactSum, mergedGauge } from './merge-values.ts';
import { cutHistogram } from './problems.ts';
import type { PushedFamily, Role } from './pushed-families.ts';
import { nameOfRelabelRule } from './push-rules.ts';
import { NONE } from './rewritten-push.ts';
import type { RewrittenFamily, RewrittenPush } from './rewritten-push.ts';

/** Series given to the builder between two looks at the clock. */
const STEP_SERIES = 32;
/** So many samples are brought together in the time of one series, and a native histogram takes that of so many. */
const SAMPLES = 8;
const NATIVE = 4;

/** How the gauges of one series come together. `labels` are as the exposition shows them. */
type PolicyOf = (name: string, labels: ReturnType<typeof parseSeriesText>['labels']) => GaugePolicy;

interface At {
  readonly value: number;
  readonly offset: number;
}

/** What the batch is to say of samples that it does not have. */
interface Merged {
  nonFinite: number;
  sums: number;
  summary: number;
}

export class Feed {
  readonly #push: RewrittenPush;
  readonly #sink: SampleSink;
  readonly #rules: Rules;
  readonly #policyOf: PolicyOf;
  readonly #typeOf: (name: string) => MetricType | undefined;
  readonly #withoutSamples: Iterable<PushedFamily>;
  readonly #mayDeclare: (name: string) => boolean;
  readonly #discards: State['discards'];
  readonly merged: Merged = { nonFinite: 0, sums: 0, summary: 0 };
  #work = 0;

  constructor(
    push: RewrittenPush,
    sink: SampleSink,
    options: {
      readonly rules: Rules;
      readonly policyOf: PolicyOf;
      readonly typeOf: (name: string) => MetricType | undefined;
      readonly discards: State['discards'];
      /** Families of the push that have none. No rule has anything to say of them. */
      readonly withoutSamples: Iterable<PushedFamily>;
      /** Whether anything may be said of such a family. */
      readonly mayDeclare: (name: string) => boolean;
    },
  ) {
    this.#push = push;
    this.#sink = sink;
    this.#rules = options.rules;
    this.#policyOf = options.policyOf;
    this.#typeOf = options.typeOf;
    this.#discards = options.discards;
    this.#withoutSamples = options.withoutSamples;
    this.#mayDeclare = options.mayDeclare;
  }

  *steps(): Generator<void, void> {
    for (const family of this.#push.families.values()) {
      this.#declare(family);
      for (const item of family.items) {
        if (item >= 0) this.#feedSeries(item, family);
        else yield* this.#feedComposite(~item, family);
        if (this.#isStep(1)) yield;
      }
    }
    for (const family of this.#withoutSamples) {
      if (this.#mayDeclare(family.name))
        this.#declareAs(family.name, family, { type: family.type, offset: family.offset });
      if (this.#isStep(1)) yield;
    }
    for (const [text, startMs] of this.#push.startsByText) {
      const { name, labels } = parseSeriesText(text);
      this.#sink.addStartOf(name, labels, startMs);
    }
  }

  #isStep(work: number): boolean {
    this.#work += work;
    if (this.#work < STEP_SERIES) return false;
    this.#work = 0;
    return true;
  }

  #declare(family: RewrittenFamily): void {
    const { offset } = family.typedBy ?? family.from;
    this.#declareAs(family.name, family, { type: this.#typeFor(family), offset });
  }

  #declareAs(
    name: string,
    { help, unit }: { readonly help: string | undefined; readonly unit: string | undefined },
    { type, offset }: { readonly type: MetricType | undefined; readonly offset: number },
  ): void {
    const key = notRepeatable(offset);
    if (type !== undefined) this.#sink.addType(name, type, key);
    if (help !== undefined) this.#sink.addHelp(name, help, key);
    if (unit !== undefined) this.#sink.addUnit(name, unit);
  }

  #typeFor({ name, type, typeByRule }: RewrittenFamily): MetricType | undefined {
    if (type !== undefined || typeByRule === undefined) return type;
    // Others have said what it is.
    const known = this.#typeOf(name);
    return known === undefined || known === 'untyped' ? typeByRule : undefined;
  }

  #feedSeries(series: number, family: RewrittenFamily): void {
    const push = this.#push;
    const first = push.first[series]!;
    const isAlone = push.nextSample[first] === NONE;
    this.#add(series, isAlone ? this.#at(first) : this.#merged(series, family));
    this.#addExemplar(push.exemplars.get(series));
    const startMs = push.starts.get(series);
    if (startMs !== undefined) this.#sink.addStart(startMs);
  }

  /** One value of several samples. */
  #merged(series: number, family: RewrittenFamily): At {
    const samples = [...this.#push.samplesOf(series)];
    const type = this.#typeFor(family) ?? this.#typeOf(family.name);
    if (type === 'counter') return this.#mergedCount(samples);
    const values = samples.map((sample) => this.#push.values[sample]!);
    return { ...this.#at(samples[0]!), value: this.#mergedGauge(values, { series, family, type }) };
  }

  #mergedGauge(
    all: readonly number[],
    {
      series,
      family,
      type,
    }: { readonly series: number; readonly family: RewrittenFamily; readonly type: MetricType | undefined },
  ): number {
    const { name, labels } = parseSeriesText(this.#push.series.textOf(series));
    const policy = type === 'gauge' ? this.#policyOf(name, labels) : 'sum';
    const takes = ['min', 'max', 'count'].includes(policy) ? isNumber : Number.isFinite;
    const values = policy === 'last' ? all.slice(-1) : all.filter(takes);
    if (values.length === 0) {
      this.merged.nonFinite += all.length - 1;
      return Number.NaN;
    }
    if (policy !== 'last') this.merged.nonFinite += all.length - values.length;
    // It says that something is so, however many say it.
    if (type === 'info') return Math.max(...values);
    const areStarts = family.name.endsWith('_created') && values.every((value) => value >= START_SECONDS_MIN);
    return mergedGauge(values, type === 'gauge' && areStarts ? 'min' : policy);
  }

  *#feedComposite(composite: number, family: RewrittenFamily): Generator<void, void> {
    const push = this.#push;
    if (push.cutBy.size > 0) this.#checkCut(composite, family);
    const isAsPushed =
      push.groupCount[composite] === 1 && !push.bucketsOf.has(composite) && !push.changesBounds;
    if (isAsPushed) yield* this.#feedAsPushed(composite);
    else yield* this.#feedMerged(composite, family);
    const startMs = push.starts.get(~composite);
    if (startMs !== undefined) this.#sink.addStart(startMs);
  }

  *#feedAsPushed(composite: number): Generator<void, void> {
    const { roleOf } = this.#push;
    for (const series of this.#push.seriesOf(composite)) {
      this.#work += 1;
      if (roleOf[series] === 'quantile') {
        this.#addQuantiles(series);
        continue;
      }
      const sample = this.#push.first[series]!;
      this.#add(series, this.#at(sample));
      this.#addExemplar(this.#push.exemplars.get(series));
      if (roleOf[series] === '_count') yield* this.#addNative(composite, [sample]);
    }
  }

  *#feedMerged(composite: number, family: RewrittenFamily): Generator<void, void> {
    const push = this.#push;
    const parts = new Map<Role, number[]>();
    for (const series of push.seriesOf(composite)) {
      this.#work += 1;
      const role = push.roleOf[series]!;
      const known = parts.get(role);
      if (known === undefined) parts.set(role, [series]);
      else known.push(series);
    }
    const buckets = parts.get('_bucket') ?? [];
    const [count] = parts.get('_count') ?? [];
    const [sum] = parts.get('_sum') ?? [];
    const isClassic = buckets.length > 0 || push.hasAllBuckets.has(composite);
    const total = isClassic
      ? yield* this.#feedBuckets(composite, { family, buckets, count, sum })
      : undefined;
    if (sum !== undefined) this.#feedSum(sum, family);
    if (count !== undefined) {
      const samples = [...push.samplesOf(count)];
      this.#add(
        count,
        total === undefined ? this.#mergedCount(samples) : { ...this.#at(samples[0]!), value: total },
      );
      if (this.#isDiscarded(family)) this.merged.summary += samples.length - 1;
      yield* this.#addNative(composite, samples);
    }
    for (const series of parts.get('quantile') ?? []) this.#addQuantiles(series);
  }

  /** Returns how many observations there are. */
  *#feedBuckets(
    composite: number,
    of: {
      readonly family: RewrittenFamily;
      readonly buckets: readonly number[];
      readonly count: number | undefined;
      readonly sum: number | undefined;
    },
  ): Generator<void, number> {
    const push = this.#push;
    const listed = push.bucketsOf.get(composite);
    const folded = (bound: number): number => foldedBound(bound, listed);
    const merging = mergeHistograms(
      yield* this.#histogramsOf(composite, folded),
      (series) => push.series.textOf(series),
      push.hasAllBuckets.has(composite) ? listed : undefined,
    );
    let merge = merging.next();
    for (; merge.done !== true; merge = merging.next()) if (this.#isStep(1)) yield;
    const merged = merge.value;
    const exemplars = new Map<number, Exemplar>();
    for (const series of of.buckets) {
      const exemplar = push.exemplars.get(series);
      const bound = folded(push.boundOf[series]!);
      if (exemplar !== undefined) exemplars.set(bound, newer(exemplars.get(bound), exemplar));
    }
    const known = new Map(of.buckets.map((series) => [push.boundOf[series]!, series]));
    for (const { bound, cumulative, offset } of merged) {
      this.#work += 1;
      const series = known.get(bound);
      if (series === undefined) this.#addBucket(composite, of.family, { bound, cumulative, offset });
      else this.#add(series, { value: cumulative, offset });
      this.#addExemplar(exemplars.get(bound));
    }
    return merged.at(-1)!.cumulative;
  }

  /** A bucket of which the push has no series. */
  #addBucket(
    composite: number,
    { name }: RewrittenFamily,
    { bound, cumulative, offset }: MergedBucket,
  ): void {
    const { labels } = parseSeriesText(this.#push.composites.textOf(composite));
    const le = { name: 'le', value: formatFloat64(bound) };
    this.#sink.addSample(`${name}_bucket`, [...labels, le], cumulative, notRepeatable(offset));
  }

  /** As they were pushed, with the bounds that they are to have. */
  *#histogramsOf(
    composite: number,
    folded: (bound: number) => number,
  ): Generator<void, readonly PushedHistogram[]> {
    const push = this.#push;
    const byGroup = new Map<number, PushedHistogram>();
    const { roleOf, groupOf, values, offsets, first, next, nextSample, firstSeries } = push;
    for (let series = firstSeries[composite]!; series !== NONE; series = next[series]!) {
      const role = roleOf[series]!;
      const bound = role === '_bucket' ? folded(push.boundOf[series]!) : Number.NaN;
      for (let sample = first[series]!; sample !== NONE; sample = nextSample[sample]!) {
        const value = values[sample]!;
        const offset = offsets[sample]!;
        let histogram = byGroup.get(groupOf[sample]!);
        if (histogram === undefined) {
          histogram = { buckets: [], count: undefined, series, offset };
          byGroup.set(groupOf[sample]!, histogram);
        }
        if (role === '_count') histogram.count = { value, offset };
        else if (role === '_bucket')
          histogram.buckets.push({ value, offset, series, bound, pushedBound: push.pushedBounds[sample]! });
        if (this.#isStep(1 / SAMPLES)) yield;
      }
    }
    return [...byGroup.values()];
  }

  #feedSum(sum: number, family: RewrittenFamily): void {
    const samples = [...this.#push.samplesOf(sum)];
    const values = samples.map((sample) => this.#push.values[sample]!).filter(Number.isFinite);
    if (this.#isDiscarded(family)) this.merged.summary += samples.length - 1;
    // The builder counts one that is not finite.
    else this.merged.sums += samples.length - Math.max(values.length, 1);
    const value = values.length === 0 ? Number.NaN : exactSum(values);
    this.#add(sum, { ...this.#at(samples[0]!), value });
  }

  #mergedCount(samples: readonly number[]): At {
    const { values } = this.#push;
    // The builder says what is wrong with it.
    const bad = samples.find((sample) => !isCount(values[sample]!));
    if (bad !== undefined) return this.#at(bad);
    return { ...this.#at(samples[0]!), value: exactSum(samples.map((sample) => values[sample]!)) };
  }

  /** Throws a PushProblem where rules leave buckets of which nobody can say how many observations there are. */
  #checkCut(composite: number, family: RewrittenFamily): void {
    const push = this.#push;
    if (!hasBuckets(this.#typeFor(family) ?? this.#typeOf(family.name) ?? 'histogram')) return;
    const without = new Map<number, number>();
    const counted = new Set<number>();
    for (const series of push.seriesOf(composite)) {
      const isCounted = push.roleOf[series] === '_count' || push.boundOf[series] === Number.POSITIVE_INFINITY;
      for (const sample of push.samplesOf(series))
        if (isCounted) counted.add(push.groupOf[sample]!);
        else if (push.cutBy.has(push.groupOf[sample]!) && !without.has(push.groupOf[sample]!))
          without.set(push.groupOf[sample]!, series);
    }
    for (const [group, series] of without) {
      if (counted.has(group)) continue;
      const rule = nameOfRelabelRule(this.#rules, push.cutBy.get(group)!);
      throw cutHistogram(push.series.textOf(series), rule, push.offsets[push.first[series]!]!);
    }
  }

  #add(series: number, { value, offset }: At): void {
    const { series: texts } = this.#push;
    const { known } = this.#sink;
    const start = texts.offsetOf(series);
    const reference = known.find(
      texts.viewOf(series),
      start,
      start + texts.lengthOf(series),
      texts.hashOf(series),
    );
    if (reference !== UNKNOWN) {
      known.addKnown(reference, value, offset);
      return;
    }
    const { name, labels } = parseSeriesText(texts.textOf(series));
    this.#sink.addSample(name, labels, value, notRepeatable(offset));
  }

  /** They are thrown away, so that it does not matter which of them are equal. */
  #addQuantiles(series: number): void {
    const { name, labels } = parseSeriesText(this.#push.series.textOf(series));
    for (const sample of this.#push.samplesOf(series)) {
      const { value, offset } = this.#at(sample);
      this.#sink.addSample(name, labels, value, { ...notRepeatable(offset), isOnlyOne: true });
    }
  }

  #addExemplar(exemplar: Exemplar | undefined): void {
    if (exemplar !== undefined) this.#sink.addExemplar(exemplar);
  }

  /** Of the count added last, with these samples. */
  *#addNative(composite: number, samples: readonly number[]): Generator<void, void> {
    const { natives, nativeExemplars, offsets } = this.#push;
    if (natives.size === 0) return;
    let sum: NativeHistogram | undefined;
    for (const sample of samples) {
      const native = natives.get(sample);
      if (native === undefined) continue;
      sum = sum === undefined ? native : addHistograms(sum, native);
      if (samples.length > 1 && this.#isStep(NATIVE)) yield;
    }
    if (sum === undefined) return;
    this.#sink.addNative(sum, offsets[samples[0]!]!);
    for (const exemplar of newestExemplars(nativeExemplars.get(composite) ?? []))
      this.#sink.addExemplar(exemplar, true);
  }

  #isDiscarded(family: RewrittenFamily): boolean {
    const type = this.#typeFor(family);
    return type !== undefined && this.#discards({ name: family.name, type });
  }

  #at(sample: number): At {
    return { value: this.#push.values[sample]!, offset: this.#push.offsets[sample]! };
  }
}

function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_VALUE;
}

function isNumber(value: number): boolean {
  return !Number.isNaN(value);
}

/** What lies at these bytes of the body is another series, which nobody must come to know by them. */
function notRepeatable(offset: number): SeriesKey {
  return { start: offset, end: offset, repeatable: false };
}
