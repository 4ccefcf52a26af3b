/** Turns the native buckets of a push into entries of its batch; see store/native-accumulators.ts. */
import { bucketIndex } from '../histogram/bounds.ts';
import { reduceResolution } from '../histogram/resolution.ts';
import { widenZeroBucket } from '../histogram/zero-bucket.ts';
import { PushProblem } from '../model/errors.ts';
import { NATIVE_SCHEMA_MIN } from '../model/native-histogram.ts';
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import { UNKNOWN } from '../model/known-series.ts';
import { appendEntry } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import { checkPending } from './check-limits.ts';
import {
  bucketCode,
  bucketKey,
  countKey,
  INDEX_MAX,
  INDEX_MIN,
  schemaOfCode,
  schemaOfZeroKey,
  zeroKey,
} from '../store/native-accumulators.ts';
import { ReplacedAccumulators } from './replaced-accumulators.ts';
import type { SeriesAdmission } from './series-admission.ts';
import type { State } from '../state/state.ts';
import { TextScratch } from '../store/text-scratch.ts';
import type { ValueCheck } from './value-check.ts';
import { AccumulatorKind } from '../store/policies.ts';

/**
 * A part may have so many thresholds of zero buckets. Further ones are raised to the next wider one that it has, or else to a
 * power of two, of which there are few. Clients widen their zero bucket to whatever bucket comes next, so there can be many.
 */
const THRESHOLDS_MAX = 64;

/** The histogram that native buckets are of. */
interface NativeOwner {
  /** A group of the state, or `~g` for one of the batch. */
  readonly composite: number;
  /** The index of its family in Batch.families. */
  family(): number;
}

interface NativeShape {
  readonly kind: AccumulatorKind;
  readonly bound: number;
}

export class PushNative {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #values: ValueCheck;
  readonly #admission: SeriesAdmission;
  readonly #scratch: TextScratch;
  readonly #replaced: ReplacedAccumulators;
  /** What was added last: to find the bucket of an exemplar. */
  #composite = 0;
  #schema = 0;
  #zeroThreshold = 0;
  /** The accumulator after the one found last is the best guess at the next. */
  #next = 0;
  /** See `#lookUp`. */
  readonly #known: number[] = [];

  constructor(
    state: State,
    batch: Batch,
    { values, admission }: { readonly values: ValueCheck; readonly admission: SeriesAdmission },
  ) {
    this.#replaced = new ReplacedAccumulators(state);
    this.#state = state;
    this.#batch = batch;
    this.#values = values;
    this.#admission = admission;
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** Accumulators looked at to find room for buckets, since the push began. */
  looked = 0;

  begin(): void {
    this.looked = 0;
    this.#replaced.begin(this.#batch);
  }

  add(histogram: NativeHistogram, owner: NativeOwner, offset: number): void {
    this.#composite = this.#numberOf(owner.composite);
    let fitting = this.#withFewThresholds(histogram, owner);
    while (!this.#lookUp(fitting, owner, offset)) fitting = this.#coarser(fitting, offset);
    const { schema, zeroThreshold, positive, negative } = fitting;
    this.#schema = schema;
    this.#zeroThreshold = zeroThreshold;
    const count = this.#known[0]!;
    this.#append(
      count >= 0
        ? count
        : this.#pendingSeries(
            countKey(this.#composite, schema),
            owner,
            { kind: AccumulatorKind.NATIVE_COUNT, bound: schema },
            offset,
          ),
      AccumulatorKind.NATIVE_COUNT,
      fitting.count,
      offset,
    );
    const zero = this.#known[1]!;
    this.#append(
      zero >= 0
        ? zero
        : this.#pendingSeries(
            zeroKey(this.#composite, schema, zeroThreshold),
            owner,
            { kind: AccumulatorKind.NATIVE_ZERO, bound: zeroThreshold },
            offset,
          ),
      AccumulatorKind.NATIVE_ZERO,
      fitting.zeroCount,
      offset,
    );
    const at = this.#appendBuckets(positive, 2, { schema, isNegative: false, owner, offset });
    this.#appendBuckets(negative, at, { schema, isNegative: true, owner, offset });
  }

  /**
   * The accumulator of the bucket that a value falls into, of the histogram added last: as in Batch.accumulators, undefined when it counted
   * nothing there.
   */
  bucketOf(value: number): number | undefined {
    if (!Number.isFinite(value)) return undefined;
    const magnitude = Math.abs(value);
    const key =
      magnitude <= this.#zeroThreshold
        ? zeroKey(this.#composite, this.#schema, this.#zeroThreshold)
        : bucketKey(
            this.#composite,
            bucketCode(this.#schema, value < 0, bucketIndex(this.#schema, magnitude)),
          );
    const { view, start, end, hash } = this.#scratch.write(key);
    const accumulator = this.#state.accumulators.texts.find(view, start, end, hash);
    if (accumulator >= 0) return accumulator;
    const pendingSeries = this.#batch.pendingSeries.texts.find(view, start, end, hash);
    return pendingSeries < 0 ? undefined : ~pendingSeries;
  }

  #coarser(histogram: NativeHistogram, offset: number): NativeHistogram {
    if (histogram.schema > NATIVE_SCHEMA_MIN) return reduceResolution(histogram, histogram.schema - 1);
    throw new PushProblem(
      'buckets_limit',
      `a native histogram would have more than ${this.#state.showing.config.nativeBucketsMax} buckets even at the lowest resolution (--limit.native-buckets)`,
      offset,
    );
  }

  /**
   * Fills `#known`: the accumulators of the count, the zero bucket and each bucket that counted something, UNKNOWN for those that the
   * state does not have. False when the part would have more buckets than it may.
   */
  #lookUp(
    { schema, zeroThreshold, positive, negative }: NativeHistogram,
    { composite }: NativeOwner,
    offset: number,
  ): boolean {
    const most = this.#state.showing.config.nativeBucketsMax;
    if (positive.indexes.length + negative.indexes.length > most) return false;
    const known = this.#known;
    known.length = 0;
    known.push(this.#knownCount(composite, schema), this.#knownZero(composite, schema, zeroThreshold));
    const unknown =
      this.#lookUpBuckets(positive, { composite, schema, isNegative: false, offset }) +
      this.#lookUpBuckets(negative, { composite, schema, isNegative: true, offset });
    return (
      unknown === 0 || this.#partSize(composite, AccumulatorKind.NATIVE_BUCKET, schema) + unknown <= most
    );
  }

  /** Returns how many are not known. */
  #lookUpBuckets(
    { indexes, counts }: NativeBuckets,
    of: {
      readonly composite: number;
      readonly schema: number;
      readonly isNegative: boolean;
      readonly offset: number;
    },
  ): number {
    let unknown = 0;
    for (let i = 0; i < indexes.length; i += 1) {
      if (counts[i] === 0) continue;
      const index = indexes[i]!;
      if (index < INDEX_MIN || index > INDEX_MAX)
        throw new PushProblem('invalid_histogram', `a native bucket has the index ${index}`, of.offset);
      const accumulator = this.#knownBucket(of.composite, bucketCode(of.schema, of.isNegative, index));
      this.#known.push(accumulator);
      if (accumulator < 0) unknown += 1;
    }
    return unknown;
  }

  #withFewThresholds(histogram: NativeHistogram, { composite }: NativeOwner): NativeHistogram {
    const { schema, zeroThreshold } = histogram;
    if (composite < 0 || zeroThreshold === 0) return histogram;
    if (this.#state.accumulators.composites[composite]!.native.length < THRESHOLDS_MAX) return histogram;
    // Those of the histogram before.
    this.#known.length = 0;
    this.#knownCount(composite, schema);
    if (this.#knownZero(composite, schema, zeroThreshold) >= 0) return histogram;
    if (this.#partSize(composite, AccumulatorKind.NATIVE_ZERO, schema) < THRESHOLDS_MAX) return histogram;
    return this.#raised(histogram, this.#heldThresholds(composite, schema));
  }

  /** `held` in ascending order. The page shows the widest threshold of all, so a held one costs it nothing. */
  #raised(histogram: NativeHistogram, held: readonly number[]): NativeHistogram {
    let raised = histogram;
    for (const threshold of held) {
      if (threshold < raised.zeroThreshold) continue;
      // It may end up wider still, at the far bound of a populated bucket.
      raised = widenZeroBucket(histogram, threshold);
      if (raised.zeroThreshold === threshold) return raised;
    }
    const power = 2 ** Math.ceil(Math.log2(raised.zeroThreshold));
    return widenZeroBucket(histogram, Math.min(power, Number.MAX_VALUE));
  }

  #heldThresholds(composite: number, schema: number): readonly number[] {
    const { accumulators } = this.#state;
    const zeros = accumulators.composites[composite]!.native.filter(
      (accumulator) =>
        accumulators.kind[accumulator] === AccumulatorKind.NATIVE_ZERO &&
        this.#zeroSchema(accumulator) === schema,
    );
    return zeros.map((accumulator) => accumulators.bound[accumulator]!).sort((a, b) => a - b);
  }

  /** How many accumulators of a kind the state has for one part of a histogram, but for those that go with this push. */
  #partSize(composite: number, kind: AccumulatorKind, schema: number): number {
    if (composite < 0) return 0;
    const { accumulators } = this.#state;
    const named = new Set(this.#known);
    const { native } = accumulators.composites[composite]!;
    this.looked += native.length;
    let size = 0;
    for (const accumulator of native) {
      if (accumulators.kind[accumulator] !== kind) continue;
      const of =
        kind === AccumulatorKind.NATIVE_ZERO
          ? this.#zeroSchema(accumulator)
          : schemaOfCode(accumulators.bound[accumulator]!);
      if (of === schema && (named.has(accumulator) || !this.#replaced.has(accumulator))) size += 1;
    }
    return size;
  }

  /** `from` is where in `#known` the buckets begin that counted something; returns where they end. */
  #appendBuckets(
    { indexes, counts }: NativeBuckets,
    from: number,
    at: {
      readonly schema: number;
      readonly isNegative: boolean;
      readonly owner: NativeOwner;
      readonly offset: number;
    },
  ): number {
    let place = from;
    for (let i = 0; i < indexes.length; i += 1) {
      const value = counts[i]!;
      if (value === 0) continue;
      let accumulator = this.#known[place]!;
      place += 1;
      if (accumulator < 0) {
        const code = bucketCode(at.schema, at.isNegative, indexes[i]!);
        const shape = { kind: AccumulatorKind.NATIVE_BUCKET, bound: code };
        accumulator = this.#pendingSeries(bucketKey(this.#composite, code), at.owner, shape, at.offset);
      }
      this.#append(accumulator, AccumulatorKind.NATIVE_BUCKET, value, at.offset);
    }
    return place;
  }

  /** The accumulator that the state has for a bucket, or UNKNOWN. Mostly it follows the one before. */
  #knownBucket(composite: number, code: number): number {
    if (composite < 0) return UNKNOWN;
    if (this.#isNext(composite, AccumulatorKind.NATIVE_BUCKET, code)) return this.#next++;
    return this.#knownByKey(bucketKey(composite, code));
  }

  /** The same for the count of a part. It follows what else the series has when it was native from the beginning. */
  #knownCount(composite: number, schema: number): number {
    if (composite < 0) return UNKNOWN;
    const { native } = this.#state.accumulators.composites[composite]!;
    if (native.length > 0) this.#next = native[0]!;
    if (this.#isNext(composite, AccumulatorKind.NATIVE_COUNT, schema)) return this.#next++;
    return this.#knownByKey(countKey(composite, schema));
  }

  /** The same for a zero bucket. */
  #knownZero(composite: number, schema: number, threshold: number): number {
    if (composite < 0) return UNKNOWN;
    if (
      this.#isNext(composite, AccumulatorKind.NATIVE_ZERO, threshold) &&
      this.#zeroSchema(this.#next) === schema
    )
      return this.#next++;
    return this.#knownByKey(zeroKey(composite, schema, threshold));
  }

  #isNext(composite: number, kind: AccumulatorKind, bound: number): boolean {
    const { accumulators } = this.#state;
    const next = this.#next;
    return (
      accumulators.bound[next] === bound &&
      accumulators.composite[next] === composite &&
      accumulators.kind[next] === kind
    );
  }

  #knownByKey(key: string): number {
    const { view, start, end, hash } = this.#scratch.write(key);
    const accumulator = this.#state.accumulators.texts.find(view, start, end, hash);
    if (accumulator >= 0) this.#next = accumulator + 1;
    return accumulator;
  }

  #zeroSchema(accumulator: number): number {
    const { texts } = this.#state.accumulators;
    return schemaOfZeroKey(texts.chunkOf(accumulator), texts.offsetOf(accumulator));
  }

  /** The pending series of a key that the state does not have: fresh before, or now. */
  #pendingSeries(key: string, owner: NativeOwner, { kind, bound }: NativeShape, offset: number): number {
    const { view, start, end, hash } = this.#scratch.write(key);
    const { pendingSeries } = this.#batch;
    let index = pendingSeries.texts.find(view, start, end, hash);
    if (index < 0) {
      const shape = { kind, family: owner.family(), composite: owner.composite, bound };
      this.#admission.admitsPart(this.#batch.families[shape.family]!, offset);
      index = pendingSeries.add(view, start, end, hash, shape);
      checkPending(this.#state, this.#batch, offset);
    }
    pendingSeries.given[index] = 1;
    return ~index;
  }

  #append(accumulator: number, kind: AccumulatorKind, value: number, offset: number): void {
    appendEntry(this.#batch, accumulator, this.#values.checked(kind, value, accumulator, offset), offset);
  }

  /** The number that a group has, or will have once the batch is applied. */
  #numberOf(composite: number): number {
    return composite >= 0 ? composite : this.#state.accumulators.nextComposite(~composite);
  }
}
