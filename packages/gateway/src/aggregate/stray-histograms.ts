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
export interface StraySeries {
  readonly labels: readonly Label[];
  /** By bound. */
  readonly buckets: Map<number, Slot>;
  sum: Slot | undefined;
  count: Slot | undefined;
  /** Of the earliest line. */
  startMs: number;
  /** Untyped cells that it is made of. */
  cells: number;
}

export interface Told {
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

export class StrayHistograms {
  readonly #name: string;
  readonly #hasBuckets: boolean;
  readonly #series = new Map<string, StraySeries>();
  #slots = 0;

  constructor(name: string, hasBuckets: boolean) {
    this.#name = name;
    this.#hasBuckets = hasBuckets;
  }

  get slotCount(): number {
    return this.#slots;
  }

  [Symbol.iterator](): IterableIterator<StraySeries> {
    return this.#series.values();
  }

  /** Where an untyped line belongs; undefined where it can be no part of any series. */
  add(
    role: Slot['role'],
    all: readonly Label[],
    startMs: number,
  ): { readonly series: StraySeries; readonly slot: Slot } | undefined {
    const reserved = this.#hasBuckets ? 'le' : 'quantile';
    const le = all.find((label) => label.name === reserved)?.value;
    if ((role === '_bucket') !== (le !== undefined)) return undefined;
    const bound = boundOf(le);
    if (le !== undefined && Number.isNaN(bound)) return undefined;
    const series = this.#seriesOf(all.filter((label) => label.name !== reserved));
    const slot = this.#slotOf(series, role, bound);
    if (slot === undefined) return undefined;
    series.startMs = Math.min(series.startMs, startMs);
    series.cells += 1;
    return { series, slot };
  }

  #seriesOf(labels: readonly Label[]): StraySeries {
    const key = seriesText(this.#name, labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = {
        labels,
        buckets: new Map(),
        sum: undefined,
        count: undefined,
        startMs: Number.POSITIVE_INFINITY,
        cells: 0,
      };
      this.#series.set(key, series);
    }
    return series;
  }

  #slotOf(series: StraySeries, role: Slot['role'], bound: number): Slot | undefined {
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

export function* slotsOf({ buckets, sum, count }: StraySeries): Generator<Slot, void> {
  yield* buckets.values();
  if (sum !== undefined) yield sum;
  if (count !== undefined) yield count;
}

/** What all of it makes, by the rules for a push; undefined where it is not whole. */
export function wholeOf(all: readonly Told[], withBuckets: boolean): Whole | undefined {
  let sum: number | undefined;
  let [count, infinity] = [Number.NaN, Number.NaN];
  const cumulative: { bound: number; value: number }[] = [];
  for (const { slot, value } of perSlot(all)) {
    if (slot.role === '_sum') sum = value;
    else if (slot.role === '_count') count = value;
    else if (slot.bound === Number.POSITIVE_INFINITY) infinity = value;
    else cumulative.push({ bound: slot.bound, value });
  }
  if (!withBuckets) return count >= 0 && sum !== undefined ? { buckets: [], count, sum } : undefined;
  // A count alone may be anything.
  if (cumulative.length === 0 && Number.isNaN(infinity)) return undefined;
  if (Number.isNaN(infinity)) infinity = count;
  if (Number.isNaN(count)) count = infinity;
  if (count !== infinity) return undefined;
  const buckets = parted(cumulative, infinity);
  return buckets && { buckets, count, sum };
}

/** Senders may spell one bound in two ways. */
function perSlot(all: readonly Told[]): Iterable<Told> {
  const bySlot = new Map<Slot, Told>();
  for (const told of all) {
    const { slot, value } = told;
    const before = bySlot.get(slot);
    bySlot.set(slot, before === undefined ? told : { slot, value: before.value + value });
  }
  return bySlot.values();
}

/** Cumulative buckets, in whatever order, as what is in each alone. Undefined where one has less than the one below it. */
function parted(
  cumulative: { readonly bound: number; readonly value: number }[],
  infinity: number,
): Whole['buckets'] | undefined {
  const all = [...cumulative, { bound: Number.POSITIVE_INFINITY, value: infinity }];
  all.sort((a, b) => (a.bound < b.bound ? -1 : 1));
  let below = 0;
  const buckets: { bound: number; value: number }[] = [];
  for (const { bound, value } of all) {
    if (!(value >= below)) return undefined;
    buckets.push({ bound, value: value - below });
    below = value;
  }
  return buckets;
}

function boundOf(le: string | undefined): number {
  const bound = le === undefined ? undefined : parseFloat64(le);
  if (bound === undefined) return Number.NaN;
  return bound === 0 ? 0 : bound;
}
