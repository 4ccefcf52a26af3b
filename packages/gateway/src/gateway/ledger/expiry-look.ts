/**
 * Looks through the state for what has not been named for its ttl: by number, so that it goes on where it stopped, a short time in each turn. What
 * was found may have been named again before it goes, so that is asked once more in the end.
 */
import { NumberList } from '../../primitives/number-list.ts';
import { ShortTime } from '../../primitives/turns.ts';
import { NO_SOURCE } from '../../sources/left-out.ts';
import type { Withdrawal } from '../../sources/left-out.ts';
import { expiresAtMs, ttlMsOf } from '../../state/series-expiry.ts';
import type { State } from '../../state/state.ts';
import type { LastNamed } from '../../store/last-named.ts';
import { isGrouped } from '../../store/policies.ts';
import { DropSeries, WithdrawSeries } from '../../wal/commands.ts';
import type { Command } from '../../wal/commands.ts';
import type { TtlRules } from '../../store/ttl-rules.ts';
import type { Expiring, Look } from './series-expiry.ts';

/** Accumulators, sources, and characters of their keys, of what one record lists. */
const NUMBERS_MAX = 8192;
const SOURCES_MAX = 1024;
const KEY_CHARS_MAX = 256 * 1024;
/** Between two looks: this part of the shortest ttl. */
const INTERVAL_PART = 10;
const [INTERVAL_MS_MIN, INTERVAL_MS_MAX] = [250, 60_000];
/** To find the ttl of a series is as much work as to look at so many, and so is to look whether a rule matches. */
const RULE_UNITS = 8;
/** Contributions of one source looked at between two looks at the clock. */
const LOOKED_AT = 1024;

/** What has a ttl. */
export const byTtl: Expiring<TtlRules> = {
  rulesOf({ accumulators: { lastNamed } }) {
    return lastNamed === undefined || lastNamed.size === 0 ? undefined : lastNamed.rules;
  },
  soonestMs: ({ shortestMs }) => shortestMs,
  intervalMs: ({ shortestMs }) =>
    Math.min(Math.max(shortestMs / INTERVAL_PART, INTERVAL_MS_MIN), INTERVAL_MS_MAX),
  // What sources have first: with the last of that a series has gone, and need not be looked for among all sources.
  looks: (state, times) => [
    new SourceLook(state, times),
    new SeriesLook(state, { nextMs: times.nextMs, of: 'common' }),
    new SeriesLook(state, { nextMs: times.nextMs, of: 'all' }),
  ],
};

/** For series that nobody has named for their ttl, or for what senders that add have of series and none of them has named. */
class SeriesLook implements Look {
  nextMs: number;
  readonly #state: State;
  readonly #of: 'all' | 'common';
  #at = 0;
  #isDone = false;
  #found = new NumberList();
  #numbers = 0;

  constructor(state: State, { nextMs, of }: { readonly nextMs: number; readonly of: 'all' | 'common' }) {
    this.#state = state;
    this.#of = of;
    this.nextMs = nextMs;
  }

  get #times(): LastNamed {
    const { lastNamed, common } = this.#state.accumulators;
    return this.#of === 'all' ? lastNamed! : common.named!;
  }

  get isFull(): boolean {
    return this.#numbers >= NUMBERS_MAX;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  step(nowMs: number): void {
    const lastNamed = this.#times;
    const time = new ShortTime();
    let units = 0;
    while (!this.isFull && !time.isOver(units)) {
      const accumulator = lastNamed.nextFrom(this.#at);
      this.#at = accumulator + 1;
      this.#isDone = accumulator >= lastNamed.end;
      if (this.#isDone) return;
      units = unitsOf(this.#state, accumulator);
      if (!this.#isDue(accumulator, nowMs)) continue;
      this.#found.push(accumulator);
      this.#numbers += this.#membersOf(accumulator);
    }
  }

  take(nowMs: number): Command<number> | undefined {
    const found = this.#found.between(0, this.#found.length).filter((each) => this.#isDue(each, nowMs));
    this.#found = new NumberList();
    this.#numbers = 0;
    if (found.length === 0) return undefined;
    if (this.#of === 'all') return new DropSeries(found);
    return new WithdrawSeries([{ source: NO_SOURCE, named: found }]);
  }

  #isDue(accumulator: number, nowMs: number): boolean {
    const expiresMs = expiresAtMs(this.#state, accumulator, this.#times);
    if (expiresMs <= nowMs) return true;
    if (expiresMs < this.nextMs) this.nextMs = expiresMs;
    return false;
  }

  #membersOf(accumulator: number): number {
    const { kind, composite, composites } = this.#state.accumulators;
    if (!isGrouped(kind[accumulator]!)) return 1;
    const { buckets, native } = composites[composite[accumulator]!]!;
    return 2 + buckets.length + native.length;
  }
}

/** For what sources have of series that say how things are, and have not named for their ttl. */
class SourceLook implements Look {
  nextMs: number;
  isDone = false;
  readonly #state: State;
  readonly #shortestMs: number;
  #source = 0;
  /** How many contributions of it were looked at. */
  #at = 0;
  #found = new Map<number, { readonly key: string; readonly named: Set<number> }>();
  #numbers = 0;
  #chars = 0;

  /** `shortestMs` is the shortest ttl. */
  constructor(
    state: State,
    { nextMs, shortestMs }: { readonly nextMs: number; readonly shortestMs: number },
  ) {
    this.#state = state;
    this.nextMs = nextMs;
    this.#shortestMs = shortestMs;
  }

  get isFull(): boolean {
    return this.#numbers >= NUMBERS_MAX || this.#found.size >= SOURCES_MAX || this.#chars >= KEY_CHARS_MAX;
  }

  step(nowMs: number): void {
    const { list, contributions } = this.#state.sources;
    const time = new ShortTime();
    for (let units = 0; !this.isFull && !time.isOver(units);) {
      units = 1;
      this.isDone = this.#source >= list.end;
      if (this.isDone) return;
      if (this.#mayBeDue(nowMs)) {
        contributions.open(this.#source);
        units += this.#lookAtSome(nowMs);
        if (this.#at < contributions.length) continue;
      }
      this.#source += 1;
      this.#at = 0;
    }
  }

  take(nowMs: number): Command<number> | undefined {
    const { list } = this.#state.sources;
    const withdrawals: Withdrawal[] = [];
    for (const [source, { key, named }] of this.#found) {
      if (list.find(key) !== source) continue;
      const times = new NamedTimes(this.#state, source);
      const due = [...named].filter((naming) => times.of(naming) + this.#ttlMsOf(naming) <= nowMs);
      if (due.length > 0) withdrawals.push({ source: key, named: Uint32Array.from(due).sort() });
    }
    this.#found = new Map();
    this.#numbers = 0;
    this.#chars = 0;
    return withdrawals.length === 0 ? undefined : new WithdrawSeries(withdrawals);
  }

  #mayBeDue(nowMs: number): boolean {
    const { list, leftOut } = this.#state.sources;
    if (!list.isKnown(this.#source)) return false;
    if (leftOut.get(this.#source) !== undefined) return true;
    const soonestMs = list.lastPushMs(this.#source) + this.#shortestMs;
    if (soonestMs <= nowMs) return true;
    this.#noteNext(soonestMs);
    return false;
  }

  /** Of the source that is open; returns how much work it was. */
  #lookAtSome(nowMs: number): number {
    const { sources } = this.#state;
    const { contributions } = sources;
    const { accumulators, accumulatorsAt, length } = contributions;
    const times = new NamedTimes(this.#state, this.#source);
    const end = Math.min(this.#at + LOOKED_AT, length);
    let [units, before] = [times.units, -1];
    // Another push may come before the rest is looked at, and change the order.
    if (end < length) this.#noteNext(nowMs + this.#shortestMs);
    for (; this.#at < end; this.#at += 1) {
      units += 1;
      const naming = sources.expiring(accumulators[accumulatorsAt + this.#at]!);
      if (naming < 0 || naming === before) continue;
      before = naming;
      units += unitsOf(this.#state, naming);
      const expiresMs = times.of(naming) + this.#ttlMsOf(naming);
      if (expiresMs > nowMs) this.#noteNext(expiresMs);
      else this.#find(naming);
    }
    return units;
  }

  #find(naming: number): void {
    let found = this.#found.get(this.#source);
    if (found === undefined) {
      const key = this.#state.sources.list.keyOf(this.#source);
      found = { key, named: new Set() };
      this.#found.set(this.#source, found);
      this.#chars += key.length;
    }
    found.named.add(naming);
    this.#numbers += 1;
  }

  #ttlMsOf(naming: number): number {
    const { lastNamed } = this.#state.accumulators;
    return lastNamed!.timeMsOf(naming) > 0 ? ttlMsOf(this.#state, naming) : Number.POSITIVE_INFINITY;
  }

  #noteNext(expiresMs: number): void {
    if (expiresMs < this.nextMs) this.nextMs = expiresMs;
  }
}

/** When a source last named its series. */
class NamedTimes {
  /** How much work it is to make this. */
  readonly units: number;
  readonly #leftOut: ReadonlyMap<number, number> | undefined;
  readonly #lastPushMs: number;

  constructor({ sources }: State, source: number) {
    const isSome = sources.leftOut.get(source) !== undefined;
    this.#leftOut = isSome ? sources.leftOut.timesOf(source) : undefined;
    this.units = this.#leftOut?.size ?? 0;
    this.#lastPushMs = sources.list.lastPushMs(source);
  }

  of(naming: number): number {
    return this.#leftOut?.get(naming) ?? this.#lastPushMs;
  }
}

function unitsOf({ accumulators, families }: State, accumulator: number): number {
  const lastNamed = accumulators.lastNamed!;
  const isKnown = lastNamed.timeMsOf(accumulator) === 0 || lastNamed.knownTtlMs(accumulator) !== undefined;
  if (isKnown) return 1;
  const { name } = families.get(accumulators.family[accumulator]!);
  return (1 + lastNamed.rules.sizeFor(name)) * RULE_UNITS;
}
