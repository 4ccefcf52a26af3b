/**
 * Series that stand for others: those for which there was no room. Each is known by its text, in which the labels that told those others apart read
 * `__overflow__`, so that nothing more needs to be stored of it.
 */
import type { Label } from '../model/labels.ts';
import { parseSeriesText } from '../model/series-text.ts';
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

/** What it takes to find one by its key, besides that; by measurement. */
const ENTRY_BYTES = 288;

/** What tells apart those of a family that stand for others: what is left of their labels. */
export function keyOfOthers(family: number, labels: readonly Label[]): string {
  return JSON.stringify([family, ...labels.flatMap(({ name, value }) => [name, value])]);
}

/** Those with the same labels left. */
interface Alike {
  readonly key: string;
  readonly accumulators: Set<number>;
  /** Undefined when it has to be found again. */
  least: number | undefined;
}

/** The counts of those that are histograms or summaries, and all others. Somebody may push any number of them. */
export class OverflowSeries {
  readonly #alikeOf = new Map<number, Alike>();
  readonly #byKey = new Map<string, Alike>();
  /** About what it takes to find them, in memory. */
  bytes = 0;

  get size(): number {
    return this.#alikeOf.size;
  }

  has(accumulator: number): boolean {
    return this.#alikeOf.has(accumulator);
  }

  keys(): Iterable<number> {
    return this.#alikeOf.keys();
  }

  /** To be called for what is created, if it may be one. */
  note(
    accumulator: number,
    {
      kind,
      texts,
      family,
    }: { readonly kind: Uint8Array; readonly texts: ByteTable; readonly family: Uint32Array },
  ): void {
    const is = kind[accumulator] as AccumulatorKind;
    if (isGrouped(is) && is !== AccumulatorKind.COUNT) return;
    const text = texts.textOf(accumulator);
    if (!standsForOthers(text)) return;
    const others = parseSeriesText(text).labels.filter(({ value }) => value !== OVERFLOW);
    const key = keyOfOthers(family[accumulator]!, others);
    let alike = this.#byKey.get(key);
    if (alike === undefined) {
      alike = { key, accumulators: new Set(), least: accumulator };
      this.#byKey.set(key, alike);
    }
    alike.accumulators.add(accumulator);
    if (alike.least !== undefined) alike.least = Math.min(alike.least, accumulator);
    this.#alikeOf.set(accumulator, alike);
    this.bytes += ENTRY_BYTES + key.length;
  }

  delete(accumulator: number): void {
    const alike = this.#alikeOf.size === 0 ? undefined : this.#alikeOf.get(accumulator);
    if (alike === undefined) return;
    this.#alikeOf.delete(accumulator);
    this.bytes -= ENTRY_BYTES + alike.key.length;
    alike.accumulators.delete(accumulator);
    if (alike.least === accumulator) alike.least = undefined;
    if (alike.accumulators.size === 0) this.#byKey.delete(alike.key);
  }

  /** With this key, the one with the least number; undefined if there is none. */
  withKey(key: string): number | undefined {
    const alike = this.#byKey.get(key);
    if (alike === undefined) return undefined;
    if (alike.least === undefined) {
      let least = Number.POSITIVE_INFINITY;
      for (const accumulator of alike.accumulators) least = Math.min(least, accumulator);
      alike.least = least;
    }
    return alike.least;
  }
}
