/**
 * By-job mode: what each source last pushed. The total of an accumulator includes every contribution, so that
 *
 *   a newer value     adds the difference
 *   a withdrawn one   is subtracted
 *   a folded one      is forgotten: what it added stays
 *
 * and a scrape costs the number of series, however many sources there are. Sums are exact, so differences leave nothing behind.
 */
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { contributionBytes, Contributions } from './contributions.ts';
import { STEP_ROWS } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { AggregationConfig, SenderMode } from '../store/aggregation-config.ts';
import { becomeCounters } from './become-counters.ts';
import { CommonChanges } from './common-changes.ts';
import { SourceChanges } from './source-changes.ts';
import { SilentSources } from './silent-sources.ts';
import type { Held } from './sourceless.ts';
import { SourceForecast } from './source-forecast.ts';
import type { ForeseenPush } from './source-forecast.ts';
import type { AccumulatorOwner } from './source-changes.ts';
import { keyBytesMax, Ring, SourceList } from './source-list.ts';
import { SourcePush } from './source-push.ts';
import { lengthWithoutStarts, isLate, isStart, startedAccumulator } from './source-starts.ts';
import { commonBytesMax, derivedBytesMax } from './derived-totals.ts';
import { leftOutBytes, NO_SOURCE } from './left-out.ts';
import type { LeftOutTimes, Withdrawal } from './left-out.ts';
import { AccumulatorKind } from '../store/policies.ts';
import { DerivedChanges } from './derived-changes.ts';
import { FoldedContributions } from './folded-contributions.ts';

export interface Contribution {
  readonly accumulator: number;
  readonly value: number;
}

interface Foreseen {
  /** By how many bytes it grows; less than that at times, never more. */
  readonly growth: number;
  /** Accumulators that go with it, but for those of families that do; more than these at times, never less. */
  readonly freed: ReadonlySet<number>;
}

/** So many contributions that are only looked at are as much work as a row. */
const LOOKS_A_ROW = 8;

/** What comes in the place of contributions of one source. */
type Replacing = (went: readonly Contribution[]) => Generator<void, readonly Contribution[]>;

export class Sources {
  retired = 0;
  /** Pushes that came late, and were not applied. */
  late = 0;
  readonly list: SourceList;
  readonly contributions: Contributions = new Contributions();
  readonly folded: FoldedContributions;
  readonly #accumulators: Accumulators;
  readonly #pace: Pace;
  readonly #changes: SourceChanges;
  readonly #push: SourcePush;
  readonly #forecast: SourceForecast;
  /** Has those go that are silent for long. */
  readonly silent: SilentSources;
  readonly #derivedChanges: DerivedChanges;
  /** What senders that add have beside sources. */
  readonly common: CommonChanges;

  constructor(
    accumulators: Accumulators,
    aggregation: AggregationConfig,
    hashSeed: number,
    owner: AccumulatorOwner,
  ) {
    this.#accumulators = accumulators;
    this.#pace = owner.pace;
    this.#changes = new SourceChanges(accumulators, owner);
    this.#push = new SourcePush(accumulators, this.contributions, this.#changes);
    this.#forecast = new SourceForecast(accumulators, this.contributions, this.#changes);
    this.derives = aggregation.metricRules !== undefined;
    this.list = new SourceList(hashSeed);
    const { list, contributions } = this;
    this.silent = new SilentSources(list, this.#changes, {
      filter: (...how) => this.#filter(...how),
      retire: (...how) => this.#retire(...how),
    });
    this.common = new CommonChanges(accumulators, this.#changes);
    const held = { accumulators, list, contributions, changes: this.#changes, common: this.common };
    this.#derivedChanges = new DerivedChanges(held);
    this.folded = new FoldedContributions(held);
  }

  /** Whether there may be totals that are no sums of what sources contribute. */
  set derives(derives: boolean) {
    this.#push.derives = derives;
  }

  get liveCount(): number {
    return this.list.sizeOf(Ring.LIVE);
  }

  get prunedCount(): number {
    return this.list.sizeOf(Ring.PRUNED);
  }

  get size(): number {
    return this.liveCount + this.prunedCount;
  }

  /** Of sources, of what each has, and of what senders that add have beside them. */
  get bytes(): number {
    const { common } = this.#accumulators;
    const sources = this.list.bytes + this.contributions.liveBytes + this.leftOut.bytes;
    return sources + this.#changes.derived.bytes + common.bytes;
  }

  /** When sources last named what they left out of their last push. */
  get leftOut(): LeftOutTimes {
    return this.#changes.leftOut;
  }

  /** By how many bytes a push can make all that grow, at the most. */
  mostGrowth({ length, began, source: key, sender }: Batch): number {
    if (!sender.byJob) return this.#push.derives ? length * commonBytesMax : 0;
    const entries = length + began.length;
    const growth = keyBytesMax + this.#mostLeftOut(key);
    if (!this.#push.derives) return growth + contributionBytes(entries);
    // Each may have its order beside it.
    return growth + contributionBytes(entries * 2) + entries * derivedBytesMax;
  }

  #mostLeftOut(key: string | undefined): number {
    if (this.#accumulators.lastNamed === undefined) return 0;
    if (key === undefined) return Number.POSITIVE_INFINITY;
    const source = this.list.find(key);
    return source < 0 ? 0 : leftOutBytes(this.contributions.lengthOf(source));
  }

  /** Whether a push of this source has more than one step. */
  isLong(key: string, batch: Batch): boolean {
    const source = this.list.find(key);
    if (source < 0) return batch.length > this.#pace.rows;
    return batch.length + this.contributions.lengthOf(source) > this.#pace.rows;
  }

  /** What would become of a source by a push that is not yet applied, or of what senders that add have. */
  *foresee(key: string, batch: Batch, push: ForeseenPush): Generator<void, Foreseen> {
    this.#pace.begin();
    if (!batch.sender.byJob) return { growth: yield* this.common.growthBy(batch), freed: new Set() };
    this.#changes.begin(key);
    const source = this.list.find(key);
    const isKnown = source >= 0;
    if (isKnown) this.contributions.open(source);
    const before = isKnown ? this.contributions.length : 0;
    const accumulate = accumulates(batch.sender);
    const forecast = yield* this.#forecast.of(batch, push, { isKnown, accumulate });
    const { contributions, derived, leftOut, freed } = forecast;
    const more = contributionBytes(contributions) - contributionBytes(before) + derived * derivedBytesMax;
    const beside = leftOutBytes(leftOut) - (isKnown ? this.leftOut.bytesOf(source) : 0);
    return { growth: more + beside + (isKnown ? 0 : this.list.bytesOf(key)), freed };
  }

  /** Whether an accumulator may go when the last source takes back what it has in it. */
  mayGoWithLast(accumulator: number): boolean {
    return this.#changes.goesWithLast(accumulator, true);
  }

  /** How many numbers a source has. */
  sizeOf(key: string): number {
    const source = this.list.find(key);
    if (source < 0) return 0;
    this.contributions.open(source);
    return lengthWithoutStarts(this.contributions);
  }

  has(key: string): boolean {
    return this.list.find(key) >= 0;
  }

  /** When a source last pushed; undefined where it is not known. */
  lastPushMsOf(key: string): number | undefined {
    const source = this.list.find(key);
    return source < 0 ? undefined : this.list.lastPushMs(source);
  }

  /** The accumulators that a source has something in, if one of these is among them. Nothing of it may change between the steps. */
  *ownAmong(
    key: string,
    of: { has(accumulator: number): boolean },
  ): Generator<void, ReadonlySet<number> | undefined> {
    const source = this.list.find(key);
    if (source < 0) return undefined;
    // Most have none of them, and need no set.
    if (!(yield* this.#untilOwn(source, (accumulator) => of.has(accumulator)))) return undefined;
    const own = new Set<number>();
    yield* this.#untilOwn(source, (accumulator) => {
      own.add(accumulator);
      return false;
    });
    return own;
  }

  /** Looks at accumulators that a source has something in until one is found; whether it was. */
  *#untilOwn(source: number, isFound: (accumulator: number) => boolean): Generator<void, boolean> {
    const length = this.contributions.lengthOf(source);
    for (let from = 0; from < length; from += STEP_ROWS) {
      if (from > 0) yield;
      this.contributions.open(source);
      const { accumulators, accumulatorsAt } = this.contributions;
      const to = Math.min(from + STEP_ROWS, length);
      for (const accumulator of accumulators.subarray(accumulatorsAt + from, accumulatorsAt + to))
        if (!isStart(accumulator) && isFound(accumulator)) return true;
    }
    return false;
  }

  /**
   * Replaces what the source contributed to the accumulators of the batch. With `PUT`, gauges and untyped it left out go. Returns the steps
   * that are left to take; mostly none are.
   */
  push(
    key: string,
    batch: Batch,
    options: { readonly method: 'PUT' | 'POST'; readonly nowMs: number; readonly sentMs?: number },
  ): Generator<void, void> | undefined {
    this.#changes.begin(key);
    this.#changes.order += 1;
    const source = this.list.touch(key, options.sentMs ?? options.nowMs);
    this.#changes.pushedBeforeMs = this.list.pushedBeforeMs;
    this.#push.accumulate = accumulates(batch.sender);
    return this.#push.take(source, batch, options.method === 'PUT');
  }

  /** Whether a push that is not yet applied is older than what its source has pushed already. */
  *isLate(key: string, batch: Batch): Generator<void, boolean> {
    const source = this.list.find(key);
    if (source < 0) return false;
    this.contributions.open(source);
    return yield* isLate(
      { accumulators: this.#accumulators, own: this.contributions, pace: this.#pace },
      batch,
    );
  }

  /** Takes away gauges and untyped series of a source and forgets it; all else that it counted stays. */
  *remove(key: string): Generator<void, boolean> {
    const source = this.list.find(key);
    if (source < 0) return false;
    this.#changes.begin(key);
    yield* this.#retire(source, (accumulator) => this.#changes.goes(accumulator));
    return true;
  }

  /** Withdraws what sources have of series, or senders that add, where that says how things are. */
  *withdrawInSteps(withdrawals: readonly Withdrawal[]): Generator<void, void> {
    this.#pace.begin();
    for (const each of withdrawals)
      yield* each.source === NO_SOURCE
        ? this.common.withdraw(each.named, this.#held())
        : this.#withdraw(each);
  }

  *#withdraw({ source: key, named }: Withdrawal): Generator<void, void> {
    const source = this.list.find(key);
    if (source < 0) return;
    const gone = new Set<number>();
    for (const naming of named) {
      if (this.#pace.isFull(1)) yield;
      for (const member of this.#changes.removableOf(naming)) gone.add(member);
    }
    yield* this.#filter(
      source,
      (accumulator) => !gone.has(accumulator),
      (accumulator, value) => this.#changes.withdraw(accumulator, value),
    );
  }

  /** What a source has of a series that may expire, by the accumulator that names it; -1 where it has something else there. */
  expiring(accumulator: number): number {
    return isStart(accumulator) ? -1 : this.#changes.expiring(accumulator);
  }

  /** The same of all, and of what senders that add have: there are no sources from now on. */
  *forgetAll(): Generator<void, void> {
    yield* this.silent.forget(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    yield* this.common.letGo();
  }

  /**
   * Forgets all that sources and senders that add have of accumulators that are gone or have changed their meaning. Rare, and looks through the sources
   * until every contribution is found; from the newest on, as those who hold what is now retyped have mostly just pushed it.
   */
  *forgetAccumulators(gone: readonly Uint32Array[]): Generator<void, void> {
    const { common, contributors } = this.#accumulators;
    const position = this.#changes.positions();
    let left = 0;
    for (const accumulators of gone) {
      for (const accumulator of accumulators) {
        left += this.#accumulators.sourcesOf(accumulator);
        contributors[accumulator] = 0;
        common.delete(accumulator);
        this.#changes.derived.drop(accumulator);
        position[accumulator] = 1;
        if (this.#pace.isFull(1)) yield;
      }
    }
    for (const source of this.list.newestFirst()) {
      if (left <= 0) break;
      if (yield* this.#hasAny(source, position))
        left -= yield* this.#filter(source, (accumulator) => position[accumulator] === 0);
    }
    for (const accumulators of gone) {
      for (const accumulator of accumulators) {
        position[accumulator] = 0;
        if (this.#pace.isFull(1)) yield;
      }
    }
  }

  /** See `becomeCounters`. */
  becomeCounters(counters: Uint32Array): Generator<void, number> {
    return becomeCounters(counters, this.#held(), (...which) => this.#filter(...which));
  }

  #held(): Held {
    const { list, contributions } = this;
    const scratch = this.#changes.positions();
    return { accumulators: this.#accumulators, list, contributions, pace: this.#pace, scratch };
  }

  /** See DerivedChanges.computeAnew. */
  computeAnew(turned: readonly Uint32Array[]): Generator<void, Uint32Array> {
    return this.#derivedChanges.computeAnew(turned);
  }

  /** See DerivedChanges.restore. */
  restoreDerived(): Generator<void, void> {
    return this.#derivedChanges.restore();
  }

  /** The number of the newest push. */
  get order(): number {
    return this.#changes.order;
  }

  set order(order: number) {
    this.#changes.order = order;
  }

  /** Puts something else in the place of what each source has of these accumulators, which are free, and which nobody holds afterwards. */
  *replaceContributions(gone: readonly number[], instead: Replacing): Generator<void, void> {
    const { contributors } = this.#accumulators;
    let left = 0;
    for (const accumulator of gone) {
      left += contributors[accumulator]!;
      contributors[accumulator] = 0;
      if (this.#pace.isFull(1)) yield;
    }
    const isGone = new Set(gone);
    for (const source of this.list.newestFirst()) {
      if (left <= 0) break;
      const went: Contribution[] = [];
      left -= yield* this.#filter(
        source,
        (accumulator) => !isGone.has(accumulator),
        (accumulator, value) => went.push({ accumulator, value }),
      );
      if (went.length > 0) yield* this.#give(source, yield* instead(went));
    }
  }

  /** Contributions to accumulators to which the source has none; their totals have them already. */
  *#give(source: number, more: readonly Contribution[]): Generator<void, void> {
    const own = this.contributions;
    const { next } = this.#changes;
    own.open(source);
    next.begin(own.length + more.length);
    // Start times stay behind all others.
    const end = lengthWithoutStarts(own);
    yield* this.#keep(0, end);
    for (const { accumulator, value } of more) {
      next.add(accumulator, value);
      this.#accumulators.contributors[accumulator]! += 1;
      if (this.#pace.isFull(1)) yield;
    }
    yield* this.#keep(end, own.length);
    yield* own.replace(source, next, this.#pace);
    next.end();
  }

  /** Copies what is open to what it will be. */
  *#keep(from: number, to: number): Generator<void, void> {
    const { accumulators, accumulatorsAt, values, valuesAt } = this.contributions;
    for (let at = from; at < to; at += 1) {
      this.#changes.next.add(accumulators[accumulatorsAt + at]!, values[valuesAt + at]!);
      if (this.#pace.isFull(1)) yield;
    }
  }

  /** Forgets a source. What it has of the kinds that `goes` names is withdrawn; all else stays in the totals. */
  *#retire(source: number, goes: (accumulator: number) => boolean): Generator<void, void> {
    const own = this.contributions;
    own.open(source);
    const { accumulators, accumulatorsAt, values, valuesAt, length } = own;
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (isStart(accumulator))
        this.#changes.withdrawOrder(startedAccumulator(accumulator), values[valuesAt + at]!);
      else if (goes(accumulator)) this.#changes.withdraw(accumulator, values[valuesAt + at]!);
      else this.#changes.fold(accumulator);
      if (this.#pace.isFull(1)) yield;
    }
    this.#changes.next.begin(0);
    yield* own.replace(source, this.#changes.next, this.#pace);
    this.leftOut.delete(source);
    this.list.remove(source);
    this.retired += 1;
    yield* this.#changes.dropWithdrawn();
    if (this.#pace.isFull(1)) yield;
  }

  /** Whether a source has a part of an accumulator for which a number stands here; much cheaper than to filter what it has. */
  *#hasAny(source: number, numbers: Uint32Array): Generator<void, boolean> {
    const own = this.contributions;
    own.open(source);
    for (let at = 0; at < own.length; at += 1) {
      const accumulator = own.accumulators[own.accumulatorsAt + at]!;
      if (!isStart(accumulator) && numbers[accumulator] !== 0) return true;
      if (at % LOOKS_A_ROW === 0 && this.#pace.isFull(1)) yield;
    }
    return false;
  }

  /** Forgets when a source named what it will not have. */
  *#keepLeftOut(source: number): Generator<void, void> {
    const { accumulators, length } = this.#changes.next;
    const held = new Set<number>();
    for (let i = 0; i < length; i += 1) {
      held.add(accumulators[i]!);
      if (this.#pace.isFull(1)) yield;
    }
    const times = this.leftOut.timesOf(source);
    this.leftOut.setTimes(source, new Map([...times].filter(([naming]) => held.has(naming))));
  }

  /** Leaves a source what `stays` says, and the start times of that; returns how many contributions went. */
  *#filter(
    source: number,
    stays: (accumulator: number, value: number) => boolean,
    onGone?: (accumulator: number, value: number) => void,
  ): Generator<void, number> {
    const own = this.contributions;
    const { next } = this.#changes;
    own.open(source);
    const { accumulators, accumulatorsAt, values, valuesAt, length } = own;
    let went = 0;
    next.begin(length);
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      const value = values[valuesAt + at]!;
      const isBeside = isStart(accumulator);
      const named = isBeside ? startedAccumulator(accumulator) : accumulator;
      // What an order is beside may have gone just now.
      const isGone = isBeside && this.#accumulators.kind[named] === AccumulatorKind.FREE;
      if (!isGone && stays(named, value)) next.add(accumulator, value);
      else if (!isBeside) {
        went += 1;
        onGone?.(accumulator, value);
      } else if (onGone !== undefined) this.#changes.withdrawOrder(named, value);
      if (this.#pace.isFull(1)) yield;
    }
    if (next.length < length) {
      if (this.leftOut.get(source) !== undefined) yield* this.#keepLeftOut(source);
      yield* own.replace(source, next, this.#pace);
    }
    next.end();
    yield* this.#changes.dropWithdrawn();
    if (this.#pace.isFull(1)) yield;
    return went;
  }
}

/** Whether counters of a sender that fall have begun anew. */
function accumulates({ counterResets }: SenderMode): boolean {
  return counterResets !== 'overwrite';
}
