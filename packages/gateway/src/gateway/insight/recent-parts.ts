/**
 * Who added to which series lately: of some pushes, about eight a second, what each brought to its series, in a ring. What is known of one series is
 * looked for in all of it. So it is known of any series, of the last hour or of less where pushes are large, and nothing is to be said beforehand.
 */
import { Xorshift } from '../../primitives/xorshift.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { forBroughtSeries } from './brought-series.ts';
import { LookRate } from './look-rate.ts';
import type { Sender, SenderShare } from './sender-sketch.ts';

/** In a second, about. */
const NOTED = 8;
/** An hour of them. */
const LOOKS_MAX = 1 << 15;
const PARTS_MAX = 1 << 18;
const FIRST_PARTS = 1 << 10;
/** Entries of a push that are noted; of a larger one so many in a row, from any place on. */
const ENTRIES_MAX = 512;
const STEP_PARTS = 8192;
const STEP_SENDERS = 1024;
/** Senders of one series that are told apart in the end. */
const SHOWN_MAX = 20;

interface Look {
  readonly sender: Sender;
  readonly nowMs: number;
  /** So many pushes it stands for, and each of its parts for so much more where it is one of a large push. */
  readonly weight: number;
  readonly scale: number;
  /** Its parts, counted from the start of the process. */
  readonly start: number;
  readonly length: number;
}

/** Of one series. */
interface LargestShares {
  /** The largest first. */
  readonly shares: readonly SenderShare[];
  /** What others have together. */
  readonly others: number;
}

export interface Recent {
  readonly bySeries: ReadonlyMap<number, LargestShares>;
  /** Since when; undefined where nothing is known. */
  readonly sinceMs: number | undefined;
  /** Whether no push was passed by since, nor a part of one. */
  readonly isExact: boolean;
}

export class RecentPartsRing {
  readonly #rate: LookRate;
  readonly #random = new Xorshift();
  readonly #looks: Look[] = [];
  #lookCount = 0;
  #series = new Uint32Array(FIRST_PARTS);
  #values = new Float64Array(FIRST_PARTS);
  #partCount = 0;
  /** Of pushes since the last that is noted. */
  #weight = 0;

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.#rate = new LookRate(now);
    this.#rate.perSecond = NOTED;
  }

  /** After many pushes there may be few. */
  lookAtNext(): void {
    this.#rate.lookAtNext();
  }

  /** To be called for each push that is looked at and added, before it is applied. */
  pushed(
    sender: Sender,
    batch: Batch,
    { state, weight, nowMs }: { readonly state: State; readonly weight: number; readonly nowMs: number },
  ): void {
    this.#weight += weight;
    if (!this.#rate.isDue()) return;
    this.#rate.begin();
    const { length } = batch;
    const count = Math.min(length, ENTRIES_MAX);
    const from = length > count ? this.#random.next() % length : 0;
    const start = this.#partCount;
    forBroughtSeries(batch, state, { from, count, take: (series, value) => this.#add(series, value) });
    const look = {
      sender,
      nowMs,
      weight: this.#weight,
      scale: count === 0 ? 1 : length / count,
      start,
      length: this.#partCount - start,
    };
    this.#looks[this.#lookCount % LOOKS_MAX] = look;
    this.#lookCount += 1;
    this.#weight = 0;
  }

  /** What is known of series, by the hashes of their texts. */
  *find(series: ReadonlySet<number>): Generator<void, Recent> {
    const bySeries = new Map<number, Map<Sender, SenderShare>>();
    const { sinceMs } = this;
    let isExact = !this.#rate.isSparse;
    let looked = 0;
    const end = this.#lookCount;
    for (let index = this.#firstLook; index < end; index += 1) {
      const look = this.#looks[index % LOOKS_MAX]!;
      looked += look.length + 1;
      if (looked > STEP_PARTS) {
        looked = 0;
        yield;
      }
      // Others may have come in its place meanwhile.
      if (index < this.#firstLook) continue;
      isExact &&= look.weight === 1 && look.scale === 1;
      for (let part = look.start; part < look.start + look.length; part += 1) {
        const at = part % this.#series.length;
        const found = this.#series[at]!;
        if (!series.has(found)) continue;
        let shares = bySeries.get(found);
        if (shares === undefined) bySeries.set(found, (shares = new Map<Sender, SenderShare>()));
        addTo(shares, look, this.#values[at]!);
      }
    }
    const largest = new Map<number, LargestShares>();
    for (const [found, shares] of bySeries)
      largest.set(found, largestOf(yield* mergedShares(shares.values())));
    return { bySeries: largest, sinceMs, isExact };
  }

  /** Since when something is known. */
  get sinceMs(): number | undefined {
    return this.#firstLook === this.#lookCount ? undefined : this.#looks[this.#firstLook % LOOKS_MAX]!.nowMs;
  }

  /** The oldest one of which all parts are still there. */
  get #firstLook(): number {
    let first = Math.max(0, this.#lookCount - LOOKS_MAX);
    let last = this.#lookCount;
    const oldestPart = this.#partCount - this.#series.length;
    while (first < last) {
      const middle = (first + last) >>> 1;
      if (this.#looks[middle % LOOKS_MAX]!.start < oldestPart) first = middle + 1;
      else last = middle;
    }
    return first;
  }

  #add(series: number, value: number): void {
    if (this.#partCount === this.#series.length && this.#partCount < PARTS_MAX) this.#grow();
    const at = this.#partCount % this.#series.length;
    this.#series[at] = series;
    this.#values[at] = value;
    this.#partCount += 1;
  }

  /** Before anything of it was written over. */
  #grow(): void {
    const [series, values] = [this.#series, this.#values];
    this.#series = new Uint32Array(series.length * 2);
    this.#series.set(series);
    this.#values = new Float64Array(values.length * 2);
    this.#values.set(values);
  }
}

function addTo(shares: Map<Sender, SenderShare>, look: Look, value: number): void {
  const { sender, scale, nowMs } = look;
  const weight = look.weight * scale;
  const known = shares.get(sender);
  if (known === undefined) {
    shares.set(sender, { sender, value: value * weight, error: 0, pushes: weight, lastMs: nowMs });
    return;
  }
  known.value += value * weight;
  known.pushes += weight;
  known.lastMs = nowMs;
}

/** A sender that was forgotten in between is another object. */
function* mergedShares(shares: Iterable<SenderShare>): Generator<void, Iterable<SenderShare>> {
  const merged = new Map<string, SenderShare>();
  let looked = 0;
  for (const share of shares) {
    looked += 1;
    if (looked % STEP_SENDERS === 0) yield;
    const { path, token, address } = share.sender;
    const key = JSON.stringify([path, token, address]);
    const known = merged.get(key);
    if (known === undefined) {
      merged.set(key, share);
      continue;
    }
    known.value += share.value;
    known.pushes += share.pushes;
    known.lastMs = Math.max(known.lastMs, share.lastMs);
  }
  return merged.values();
}

export function largestOf(all: Iterable<SenderShare>): LargestShares {
  const shares: SenderShare[] = [];
  let others = 0;
  for (const share of all) {
    const last = shares.at(-1);
    if (last !== undefined && shares.length === SHOWN_MAX && share.value <= last.value) {
      others += share.value;
      continue;
    }
    const at = shares.findIndex(({ value }) => value < share.value);
    shares.splice(at < 0 ? shares.length : at, 0, share);
    if (shares.length > SHOWN_MAX) others += shares.pop()!.value;
  }
  return { shares, others };
}
