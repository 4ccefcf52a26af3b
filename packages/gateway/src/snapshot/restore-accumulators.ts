/** Brings back accumulators, and finds what follows from them: composite series, rows of families, counts. */
import { hasBuckets } from '../model/metric-type.ts';
import { viewOf } from '../primitives/bytes.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Family } from '../store/families.ts';
import { restoreExemplars } from './snapshot-exemplars.ts';
import { broken } from './snapshot-parts.ts';
import type { Head, PartReader } from './snapshot-parts.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind, isGrouped, isCounted, fits, policyOf } from '../store/policies.ts';

/** Bringing back an accumulator is as much work as so many rows of others. */
const RESTORED_ROWS = 2;

export class AccumulatorRestorer {
  readonly #state: State;
  readonly #accumulators: Accumulators;
  readonly #head: Head;
  /** By accumulator: sources that contribute to it. */
  readonly #contributors: Uint32Array;
  /** Numbers of free accumulators that are in a list. */
  readonly #listed: Uint8Array;
  /** By composite series; each is also the list that it has. */
  readonly #buckets: number[][] = [];
  readonly #native: number[][] = [];
  readonly #freeComposites = new Set<number>();
  #spilled = 0;

  constructor(state: State, head: Head) {
    this.#state = state;
    this.#accumulators = state.accumulators;
    this.#head = head;
    this.#contributors = new Uint32Array(head.accumulatorNumbers);
    this.#listed = new Uint8Array(head.accumulatorNumbers);
    state.accumulators.texts.restoreNumbering(head.accumulatorNumbers);
    state.accumulators.restoreFamilyColumns(head.familyIds);
  }

  /** Notes that a source contributes to an accumulator that is still to come. */
  countHolder(accumulator: number): void {
    if (accumulator < 0 || accumulator >= this.#contributors.length)
      throw broken(`a contribution to cell ${accumulator}`);
    this.#contributors[accumulator]! += 1;
  }

  *take(part: PartReader): Generator<void, void> {
    yield* this.#makeComposites();
    const { from, rows } = part;
    const accumulators = this.#accumulators;
    const { pace } = this.#state;
    accumulators.kind.set(part.u8(), from);
    accumulators.family.set(part.u32(), from);
    accumulators.composite.set(part.i32(), from);
    accumulators.bound.set(part.f64(), from);
    accumulators.contributors.set(part.u32(), from);
    accumulators.startMs.set(part.f64(), from);
    accumulators.sums.restore(from, part.f64(), part.f64());
    const lengths = part.u16();
    const bytes = part.bytes();
    const view = viewOf(bytes);
    let at = 0;
    for (let accumulator = from; accumulator < from + rows; accumulator += 1) {
      const end = at + lengths[accumulator - from]!;
      if (end > bytes.length) throw broken('texts of cells are cut off');
      if (this.#contributors[accumulator]! > accumulators.contributors[accumulator]!)
        throw broken(`cell ${accumulator} has too many holders`);
      // Earlier versions counted sources that are gone.
      if (isCounted(accumulators.kindOf(accumulator)))
        accumulators.contributors[accumulator] = this.#contributors[accumulator]!;
      if (accumulators.kind[accumulator] !== AccumulatorKind.FREE)
        this.#takeAccumulator(accumulator, view, at, end);
      at = end;
      if (pace.isFull(RESTORED_ROWS)) yield;
    }
    if (at !== bytes.length) throw broken('texts of cells are cut off');
    restoreExemplars(part, accumulators);
  }

  *takeSpilled(part: PartReader): Generator<void, void> {
    const accumulators = part.u32();
    const lengths = part.u32();
    const numbers = part.numbers();
    let at = 0;
    for (const [row, accumulator] of accumulators.entries()) {
      const end = at + lengths[row]!;
      if (
        accumulator >= this.#head.accumulatorNumbers ||
        !this.#accumulators.sums.restoreSpilled(accumulator, [...numbers.subarray(at, end)])
      )
        throw broken(`cell ${accumulator} has no sum that spilled`);
      at = end;
      if (this.#state.pace.isFull(1)) yield;
    }
    if (at !== numbers.length) throw broken('sums are cut off');
  }

  *takePendingFree(pendingFree: Uint32Array): Generator<void, void> {
    for (const accumulator of pendingFree) {
      this.#list(accumulator);
      this.#accumulators.pendingFree.push(accumulator);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  *takeFree(free: Uint32Array): Generator<void, void> {
    for (const accumulator of free) {
      this.#list(accumulator);
      this.#accumulators.texts.release(accumulator);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  /** All accumulators are there by now. */
  *takeFreeComposites(free: Uint32Array): Generator<void, void> {
    yield* this.#makeComposites();
    for (const id of free) {
      if (id >= this.#head.composites || !this.#isEmpty(id) || this.#freeComposites.has(id))
        throw broken(`group ${id} is free and is not`);
      this.#freeComposites.add(id);
      this.#accumulators.freeComposites.push(id);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  #isEmpty(id: number): boolean {
    const { count, sum } = this.#accumulators.composites[id]!;
    return count < 0 && sum < 0 && this.#buckets[id]!.length === 0 && this.#native[id]!.length === 0;
  }

  /** Call when all has come. */
  *finish(): Generator<void, void> {
    const { texts, composites } = this.#accumulators;
    if (texts.size !== this.#head.accumulators)
      throw broken(`${texts.size} of ${this.#head.accumulators} cells`);
    yield* this.#makeComposites();
    if (this.#spilled !== this.#head.spilled)
      throw broken(`${this.#head.spilled} of ${this.#spilled} sums that spilled`);
    for (let composite = 0; composite < composites.length; composite += 1) {
      this.#closeComposite(composite);
      if (this.#state.pace.isFull(1 + composites[composite]!.buckets.length)) yield;
    }
  }

  #takeAccumulator(accumulator: number, view: DataView, start: number, end: number): void {
    const { texts, family: families, composite, sums } = this.#accumulators;
    const hash = texts.hash(view, start, end);
    if (start === end || texts.find(view, start, end, hash) >= 0)
      throw broken(`a second cell of the series of cell ${accumulator}`);
    texts.insertAt(accumulator, view, start, end, hash);
    const kind = this.#accumulators.kindOf(accumulator);
    const family = this.#state.families.byId[families[accumulator]!];
    if (family === undefined || !fits(kind, family.type))
      throw broken(
        `cell ${accumulator} of kind ${kind} in family ${families[accumulator]} (${family?.type})`,
      );
    if (sums.isSpilled(accumulator)) this.#spilled += 1;
    family.accumulatorCount += 1;
    if (isGrouped(kind)) {
      this.#join(composite[accumulator]!, accumulator, kind, family);
      return;
    }
    if (composite[accumulator] !== -1) throw broken(`cell ${accumulator} in group ${composite[accumulator]}`);
    family.rowCount += 1;
    if (kind === AccumulatorKind.CREATED) family.startTimeRows += 1;
    family.pending.push(accumulator);
  }

  #join(id: number, accumulator: number, kind: AccumulatorKind, family: Family): void {
    const { composites } = this.#accumulators;
    if (id < 0 || id >= this.#head.composites) throw broken(`cell ${accumulator} in group ${id}`);
    const composite = composites[id]!;
    const { part } = policyOf(kind);
    if (part === 'native') {
      family.hasNative = true;
      this.#native[id]!.push(accumulator);
    } else if (part === 'bucket') {
      this.#buckets[id]!.push(accumulator);
    } else if (part === 'sum') {
      if (composite.sum !== -1) throw broken(`group ${id} has a second sum`);
      composite.sum = accumulator;
    } else {
      if (composite.count !== -1) throw broken(`group ${id} has a second count`);
      composite.count = accumulator;
      family.rowCount += 1;
      family.pending.push(id);
    }
  }

  *#makeComposites(): Generator<void, void> {
    const { composites } = this.#accumulators;
    while (composites.length < this.#head.composites) {
      const buckets: number[] = [];
      this.#buckets.push(buckets);
      const native: number[] = [];
      this.#native.push(native);
      composites.push({ count: -1, sum: -1, buckets, native });
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  #closeComposite(id: number): void {
    const { composites, family, bound } = this.#accumulators;
    const { count, sum } = composites[id]!;
    const buckets = this.#buckets[id]!;
    // It is gone, and its number free or about to be; earlier versions used it for no other.
    if (this.#isEmpty(id)) return;
    if (count < 0) throw broken(`group ${id} has no count`);
    buckets.sort((a, b) => bound[a]! - bound[b]!);
    const own = family[count]!;
    const isHistogram = hasBuckets(this.#state.families.get(own).type);
    const last = buckets.at(-1);
    const isWhole = isHistogram
      ? last !== undefined && bound[last] === Number.POSITIVE_INFINITY
      : last === undefined;
    const parts = [...buckets, ...this.#native[id]!];
    if (
      !isWhole ||
      (sum >= 0 && family[sum] !== own) ||
      parts.some((accumulator) => family[accumulator] !== own)
    )
      throw broken(`group ${id} is not one of family ${own}`);
  }

  /** Enters a number that no accumulator has into one of the two lists of such numbers. */
  #list(accumulator: number): void {
    if (
      accumulator >= this.#head.accumulatorNumbers ||
      this.#accumulators.kind[accumulator] !== AccumulatorKind.FREE ||
      this.#listed[accumulator] === 1
    )
      throw broken(`cell ${accumulator} is free and is not`);
    this.#listed[accumulator] = 1;
  }
}
