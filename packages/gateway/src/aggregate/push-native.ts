/** Turns the native buckets of a push into entries of its batch; see native-cells.ts. */
import { bucketIndex } from '../histogram/bounds.ts';
import { reduceResolution } from '../histogram/resolution.ts';
import { widenZeroBucket } from '../histogram/zero-bucket.ts';
import { PushProblem } from '../model/errors.ts';
import { NATIVE_SCHEMA_MIN } from '../model/native-histogram.ts';
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import { UNKNOWN } from '../model/sample-sink.ts';
import { appendEntry } from './batch.ts';
import type { Batch } from './batch.ts';
import { CellKind } from './cells.ts';
import {
  bucketCode,
  bucketKey,
  countKey,
  INDEX_MAX,
  INDEX_MIN,
  schemaOfCode,
  schemaOfZeroKey,
  zeroKey,
} from './native-cells.ts';
import type { State } from './state.ts';
import { TextScratch } from './text-scratch.ts';
import type { ValueCheck } from './value-check.ts';

/**
 * A part may have so many thresholds of zero buckets; further ones are raised to one of the few that bound buckets at
 * every schema. Clients widen their zero bucket to whatever bucket comes next, so there can be many.
 */
const THRESHOLDS_MAX = 16;

/** The histogram that native buckets are of. */
export interface NativeOwner {
  /** A group of the state, or `~g` for one of the batch. */
  readonly group: number;
  /** The index of its family in Batch.families. */
  family(): number;
}

export class PushNative {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #values: ValueCheck;
  readonly #scratch: TextScratch;
  /** What was added last: to find the bucket of an exemplar. */
  #group = 0;
  #schema = 0;
  #zeroThreshold = 0;
  /** The cell after the one found last is the best guess at the next. */
  #next = 0;

  constructor(state: State, batch: Batch, values: ValueCheck) {
    this.#state = state;
    this.#batch = batch;
    this.#values = values;
    this.#scratch = new TextScratch(state.hashSeed);
  }

  add(histogram: NativeHistogram, owner: NativeOwner, offset: number): void {
    const fitting = this.#fitted(this.#withFewThresholds(histogram, owner), owner, offset);
    const { schema, zeroThreshold } = fitting;
    this.#group = this.#numberOf(owner.group);
    this.#schema = schema;
    this.#zeroThreshold = zeroThreshold;
    const count = this.#find(countKey(this.#group, schema), owner, CellKind.NATIVE_COUNT, schema);
    this.#append(count, CellKind.NATIVE_COUNT, fitting.count, offset);
    const key = zeroKey(this.#group, schema, zeroThreshold);
    const zero = this.#find(key, owner, CellKind.NATIVE_ZERO, zeroThreshold);
    this.#append(zero, CellKind.NATIVE_ZERO, fitting.zeroCount, offset);
    this.#appendBuckets(fitting.positive, { schema, isNegative: false, owner, offset });
    this.#appendBuckets(fitting.negative, { schema, isNegative: true, owner, offset });
  }

  /**
   * The cell of the bucket that a value falls into, of the histogram added last: as in Batch.cells, undefined when it counted
   * nothing there.
   */
  bucketOf(value: number): number | undefined {
    if (!Number.isFinite(value)) return undefined;
    const magnitude = Math.abs(value);
    const key =
      magnitude <= this.#zeroThreshold
        ? zeroKey(this.#group, this.#schema, this.#zeroThreshold)
        : bucketKey(this.#group, bucketCode(this.#schema, value < 0, bucketIndex(this.#schema, magnitude)));
    const { view, start, end, hash } = this.#scratch.write(key);
    const cell = this.#state.cells.texts.find(view, start, end, hash);
    if (cell >= 0) return cell;
    const fresh = this.#batch.fresh.texts.find(view, start, end, hash);
    return fresh < 0 ? undefined : ~fresh;
  }

  /** At a resolution at which the part does not get more buckets than it may have. */
  #fitted(histogram: NativeHistogram, owner: NativeOwner, offset: number): NativeHistogram {
    const most = this.#state.limits.nativeBucketsMax;
    let fitting = histogram;
    while (!this.#fits(fitting, owner, most)) {
      if (fitting.schema === NATIVE_SCHEMA_MIN) {
        throw new PushProblem(
          'buckets_limit',
          `a native histogram would have more than ${most} buckets even at the lowest resolution (--limit.native-buckets)`,
          offset,
        );
      }
      fitting = reduceResolution(fitting, fitting.schema - 1);
    }
    return fitting;
  }

  #fits({ schema, positive, negative }: NativeHistogram, owner: NativeOwner, most: number): boolean {
    const { length } = positive.indexes;
    const buckets = length + negative.indexes.length;
    if (buckets > most) return false;
    const known = this.#partSize(owner.group, CellKind.NATIVE_BUCKET, schema);
    if (known + buckets <= most) return true;
    let fresh = 0;
    for (const [isNegative, { indexes, counts }] of [
      [false, positive],
      [true, negative],
    ] as const) {
      for (const [at, index] of indexes.entries()) {
        if (counts[at] !== 0 && this.#knownBucket(owner.group, bucketCode(schema, isNegative, index)) < 0)
          fresh += 1;
      }
    }
    return known + fresh <= most;
  }

  #withFewThresholds(histogram: NativeHistogram, owner: NativeOwner): NativeHistogram {
    const { schema, zeroThreshold } = histogram;
    const { view, start, end, hash } = this.#scratch.write(
      zeroKey(this.#numberOf(owner.group), schema, zeroThreshold),
    );
    if (this.#state.cells.texts.find(view, start, end, hash) >= 0) return histogram;
    if (zeroThreshold === 0 || this.#partSize(owner.group, CellKind.NATIVE_ZERO, schema) < THRESHOLDS_MAX)
      return histogram;
    const raised = 2 ** (Math.ceil(Math.log2(zeroThreshold) / 16) * 16);
    return Number.isFinite(raised) ? widenZeroBucket(histogram, raised) : histogram;
  }

  /** How many cells of a kind the state has for one part of a histogram. */
  #partSize(group: number, kind: CellKind, schema: number): number {
    if (group < 0) return 0;
    const { cells } = this.#state;
    let size = 0;
    for (const cell of cells.groups[group]!.native) {
      if (cells.kind[cell] !== kind) continue;
      const of =
        kind === CellKind.NATIVE_ZERO
          ? schemaOfZeroKey(cells.textOf(cell))
          : schemaOfCode(cells.bound[cell]!);
      if (of === schema) size += 1;
    }
    return size;
  }

  #appendBuckets(
    { indexes, counts }: NativeBuckets,
    at: {
      readonly schema: number;
      readonly isNegative: boolean;
      readonly owner: NativeOwner;
      readonly offset: number;
    },
  ): void {
    for (let i = 0; i < indexes.length; i += 1) {
      const value = counts[i]!;
      if (value === 0) continue;
      const index = indexes[i]!;
      if (index < INDEX_MIN || index > INDEX_MAX)
        throw new PushProblem('invalid_histogram', `a native bucket has the index ${index}`, at.offset);
      const code = bucketCode(at.schema, at.isNegative, index);
      let cell = this.#knownBucket(at.owner.group, code);
      if (cell < 0) cell = this.#find(bucketKey(this.#group, code), at.owner, CellKind.NATIVE_BUCKET, code);
      this.#append(cell, CellKind.NATIVE_BUCKET, value, at.offset);
    }
  }

  /** The cell that the state has for a bucket, or UNKNOWN. Mostly it follows the one before. */
  #knownBucket(group: number, code: number): number {
    if (group < 0) return UNKNOWN;
    const { cells } = this.#state;
    const next = this.#next;
    if (
      cells.bound[next] === code &&
      cells.group[next] === group &&
      cells.kind[next] === CellKind.NATIVE_BUCKET
    ) {
      this.#next = next + 1;
      return next;
    }
    const { view, start, end, hash } = this.#scratch.write(bucketKey(group, code));
    const cell = cells.texts.find(view, start, end, hash);
    if (cell >= 0) this.#next = cell + 1;
    return cell;
  }

  /** The cell of a key: known, fresh before, or fresh now. */
  #find(key: string, owner: NativeOwner, kind: CellKind, bound: number): number {
    const { view, start, end, hash } = this.#scratch.write(key);
    const cell = this.#state.cells.texts.find(view, start, end, hash);
    if (cell >= 0) {
      this.#next = cell + 1;
      return cell;
    }
    const { fresh } = this.#batch;
    let index = fresh.texts.find(view, start, end, hash);
    if (index < 0) {
      const shape = { kind, family: owner.family(), group: owner.group, bound };
      index = fresh.add(view, start, end, hash, shape);
    }
    fresh.given[index] = 1;
    return ~index;
  }

  #append(cell: number, kind: CellKind, value: number, offset: number): void {
    appendEntry(this.#batch, cell, this.#values.checked(kind, value, cell, offset), offset);
  }

  /** The number that a group has, or will have once the batch is applied. */
  #numberOf(group: number): number {
    return group >= 0 ? group : this.#state.cells.groups.length + ~group;
  }
}
