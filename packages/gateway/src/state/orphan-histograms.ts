/**
 * Untyped lines of a histogram or summary that came before its TYPE line, put together again: which series they make, and what each
 * counted alone. Lines that make no whole series are left out.
 */
import type { Label } from '../model/labels.ts';
import { seriesText } from '../model/series-text.ts';
import { parseFloat64 } from '../primitives/float.ts';

/** A number that a series will have. */
export interface Slot {
  readonly role: '_bucket' | '_sum' | '_count';
  /** NaN for all but buckets. */
  readonly bound: number;
  /** Its place among all slots. */
  readonly index: number;
}

/** One series. */
export interface OrphanSeries {
  readonly labels: readonly Label[];
  /** By bound. */
  readonly buckets: Map<number, Slot>;
  sum: Slot | undefined;
  count: Slot | undefined;
  /** Of the earliest line. */
  startMs: number;
  /** Untyped accumulators that it is made of. */
  accumulators: number;
}

export interface SlotValue {
  readonly slot: Slot;
  readonly value: number;
}

/** A series as somebody told it. Of buckets, what is in each alone; `+Inf` is among them. */
export interface Whole {
  readonly buckets: readonly { readonly bound: number; readonly value: number }[];
  readonly count: number;
  readonly sum: number | undefined;
}

/** Series of so many buckets are no histograms. Part of what a record means, so no setting. */
const BUCKETS_MAX = 4096;

export class OrphanHistograms {
  readonly #name: string;
  readonly #hasBuckets: boolean;
  readonly #series = new Map<string, OrphanSeries>();
  #slots = 0;

  constructor(name: string, hasBuckets: boolean) {
    this.#name = name;
    this.#hasBuckets = hasBuckets;
  }

  get slotCount(): number {
    return this.#slots;
  }

  [Symbol.iterator](): IterableIterator<OrphanSeries> {
    return this.#series.values();
  }

  /** Where an untyped line belongs; undefined where it can be no part of any series. */
  add(
    role: Slot['role'],
    all: readonly Label[],
    startMs: number,
  ): { readonly series: OrphanSeries; readonly slot: Slot } | undefined {
    const reserved = this.#hasBuckets ? 'le' : 'quantile';
    const le = all.find((label) => label.name === reserved)?.value;
    if ((role === '_bucket') !== (le !== undefined)) return undefined;
    const bound = boundOf(le);
    if (le !== undefined && Number.isNaN(bound)) return undefined;
    const series = this.#seriesOf(all.filter((label) => label.name !== reserved));
    const slot = this.#slotOf(series, role, bound);
    if (slot === undefined) return undefined;
    series.startMs = Math.min(series.startMs, startMs);
    series.accumulators += 1;
    return { series, slot };
  }

  #seriesOf(labels: readonly Label[]): OrphanSeries {
    const key = seriesText(this.#name, labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = {
        labels,
        buckets: new Map(),
        sum: undefined,
        count: undefined,
        startMs: Number.POSITIVE_INFINITY,
        accumulators: 0,
      };
      this.#series.set(key, series);
    }
    return series;
  }

  #slotOf(series: OrphanSeries, role: Slot['role'], bound: number): Slot | undefined {
    const known =
      role === '_bucket' ? series.buckets.get(bound) : role === '_sum' ? series.sum : series.count;
    if (known !== undefined) return known;
    if (series.buckets.size >= BUCKETS_MAX) return undefined;
    const slot: Slot = { role, bound, index: this.#slots };
    this.#slots += 1;
    if (role === '_bucket') series.buckets.set(bound, slot);
    else if (role === '_sum') series.sum = slot;
    else series.count = slot;
    return slot;
  }
}

export function* slotsOf({ buckets, sum, count }: OrphanSeries): Generator<Slot, void> {
  yield* buckets.values();
  if (sum !== undefined) yield sum;
  if (count !== undefined) yield count;
}

/**
 * What a sender told, by the rules for a push; undefined where it makes no series. With `ofMany` it is what several senders told, added
 * up: their bounds may differ, so that a bucket has less than the one below it, and only some may have written `+Inf` or a count.
 */
export function wholeOf(
  all: readonly SlotValue[],
  { withBuckets, ofMany }: { readonly withBuckets: boolean; readonly ofMany: boolean },
): Whole | undefined {
  let sum: number | undefined;
  let [count, infinity] = [Number.NaN, Number.NaN];
  const cumulative: { bound: number; value: number }[] = [];
  for (const { slot, value } of perSlot(all)) {
    if (slot.role === '_sum') sum = value;
    else if (slot.role === '_count') count = value;
    else if (slot.bound === Number.POSITIVE_INFINITY) infinity = value;
    else cumulative.push({ bound: slot.bound, value });
  }
  if (!withBuckets) {
    if (Number.isNaN(count) && sum !== undefined) count = 0;
    return count >= 0 ? { buckets: [], count, sum } : undefined;
  }
  if (Number.isNaN(infinity)) infinity = count;
  if (Number.isNaN(count)) count = infinity;
  if (!(count >= 0)) return undefined;
  if (count !== infinity && !ofMany) return undefined;
  const highest = ofMany ? Math.max(count, infinity, ...cumulative.map(({ value }) => value)) : count;
  cumulative.push({ bound: Number.POSITIVE_INFINITY, value: highest });
  const buckets = parted(cumulative, ofMany);
  return buckets && { buckets, count: highest, sum };
}

/** Senders may spell one bound in two ways. */
function perSlot(all: readonly SlotValue[]): Iterable<SlotValue> {
  const bySlot = new Map<Slot, SlotValue>();
  for (const slotValues of all) {
    const { slot, value } = slotValues;
    const before = bySlot.get(slot);
    bySlot.set(slot, before === undefined ? slotValues : { slot, value: before.value + value });
  }
  return bySlot.values();
}

/**
 * Cumulative buckets, in whatever order, as what is in each alone. Where one has less than the one below it there are none, or, with
 * `ofMany`, it has as much: all that is below it is in it, too.
 */
function parted(
  cumulative: { readonly bound: number; readonly value: number }[],
  ofMany: boolean,
): Whole['buckets'] | undefined {
  cumulative.sort((a, b) => (a.bound < b.bound ? -1 : 1));
  let below = 0;
  const buckets: { bound: number; value: number }[] = [];
  for (const { bound, value } of cumulative) {
    if (value < 0 || (value < below && !ofMany)) return undefined;
    const held = Math.max(value, below);
    buckets.push({ bound, value: held - below });
    below = held;
  }
  return buckets;
}

function boundOf(le: string | undefined): number {
  const bound = le === undefined ? undefined : parseFloat64(le);
  if (bound === undefined) return Number.NaN;
  return bound === 0 ? 0 : bound;
}
