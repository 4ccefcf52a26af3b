/**
 * Series that stand for others: those for which there was no room. Each is known by its text, in which the labels that told those others apart read
 * `__overflow__`, so that nothing more needs to be stored of it.
 */
import type { ByteTable } from '../primitives/byte-table.ts';
import { AccumulatorKind, isGrouped } from './policies.ts';

export const OVERFLOW = '__overflow__';
/** As it stands in a text; within another value a quote is escaped. */
const MARK = `="${OVERFLOW}"`;
const markBytes = Buffer.from(MARK);

/** Whether a text is of such a series, or of a part of one. */
export function standsForOthers(text: string): boolean {
  return text.includes(MARK);
}

/** Whether some of these bytes may be. */
export function mightStandForOthers(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(markBytes);
}

/** The counts of those that are histograms or summaries, and all others. */
export class OverflowSeries {
  readonly #accumulators = new Set<number>();
  /** By family; undefined when they have become others. */
  #byFamily: Map<number, readonly number[]> | undefined;

  get size(): number {
    return this.#accumulators.size;
  }

  has(accumulator: number): boolean {
    return this.#accumulators.has(accumulator);
  }

  /** To be called for what is created, if it may be one. */
  note(accumulator: number, { kind, texts }: { readonly kind: Uint8Array; readonly texts: ByteTable }): void {
    const is = kind[accumulator] as AccumulatorKind;
    if (isGrouped(is) && is !== AccumulatorKind.COUNT) return;
    if (!standsForOthers(texts.textOf(accumulator))) return;
    this.#accumulators.add(accumulator);
    this.#byFamily = undefined;
  }

  delete(accumulator: number): void {
    if (this.#accumulators.size > 0 && this.#accumulators.delete(accumulator)) this.#byFamily = undefined;
  }

  /** In ascending order. */
  ofFamily(id: number, { family }: { readonly family: Uint32Array }): readonly number[] {
    if (this.#accumulators.size === 0) return none;
    if (this.#byFamily === undefined) {
      const byFamily = new Map<number, number[]>();
      for (const accumulator of [...this.#accumulators].sort((a, b) => a - b)) {
        const of = family[accumulator]!;
        const known = byFamily.get(of);
        if (known === undefined) byFamily.set(of, [accumulator]);
        else known.push(accumulator);
      }
      this.#byFamily = byFamily;
    }
    return this.#byFamily.get(id) ?? none;
  }
}

const none: readonly number[] = [];
