/**
 * The accumulators that a push brings, as columns: nothing of them is in the state yet. They are found by their text, so that a
 * push of a million new series makes no object for any of them.
 */
import { ByteTable } from '../primitives/byte-table.ts';
import type { AccumulatorKind } from './policies.ts';

/** For an accumulator that is part of no composite series. Others have one of the state, or `~g` for an index into Batch.pendingComposites. */
export const NO_COMPOSITE: number = 2 ** 31 - 1;

/** What is known of an accumulator besides its text. */
export interface PendingShape {
  readonly kind: AccumulatorKind;
  /** Index into Batch.families. */
  readonly family: number;
  readonly composite: number;
  /** NaN for all but buckets. */
  readonly bound: number;
}

export class PendingSeries {
  /** An entry's number is the number of its accumulator here. */
  readonly texts: ByteTable;
  kind: Uint8Array = new Uint8Array(32);
  family: Uint32Array = new Uint32Array(32);
  composite: Int32Array = new Int32Array(32);
  bound: Float64Array = new Float64Array(32);
  /** 1 when the push has a number for it; accumulators that complete a composite series may have none. */
  given: Uint8Array = new Uint8Array(32);

  constructor(hashSeed: number) {
    this.texts = new ByteTable(hashSeed);
  }

  get length(): number {
    return this.texts.size;
  }

  /** Adds an accumulator whose text is not here yet; `given` is 0. */
  add(view: DataView, start: number, end: number, hash: number, shape: PendingShape): number {
    const index = this.texts.insert(view, start, end, hash);
    if (index >= this.kind.length) this.#grow(this.texts.capacity);
    this.kind[index] = shape.kind;
    this.family[index] = shape.family;
    this.composite[index] = shape.composite;
    this.bound[index] = shape.bound;
    this.given[index] = 0;
    return index;
  }

  clear(): void {
    if (this.length === 0) return;
    this.texts.clear();
    // What a large push made grow is let go, so that one push does not hold its memory for ever.
    if (this.kind.length <= KEPT_LENGTH) return;
    this.kind = new Uint8Array(32);
    this.family = new Uint32Array(32);
    this.composite = new Int32Array(32);
    this.bound = new Float64Array(32);
    this.given = new Uint8Array(32);
  }

  #grow(capacity: number): void {
    this.kind = copied(new Uint8Array(capacity), this.kind);
    this.family = copied(new Uint32Array(capacity), this.family);
    this.composite = copied(new Int32Array(capacity), this.composite);
    this.bound = copied(new Float64Array(capacity), this.bound);
    this.given = copied(new Uint8Array(capacity), this.given);
  }
}

const KEPT_LENGTH = 1 << 16;

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}
