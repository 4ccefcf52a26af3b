/**
 * The aggregate: one deterministic state, changed only by `apply` and the few verbs beside it. It reads no clock and no random
 * number (the hash seed decides where things lie, never what they are), so that the same verbs give the same page, and the same
 * numbers to accumulators, groups and families, whoever reads meanwhile.
 *
 * Any verb may touch millions of rows, so each goes in steps of a bounded number of rows, mostly one; the plain verbs take all steps at once. From the
 * first step to the last nobody else may look at the state or change it, but views and snapshots that were opened before may be read.
 */
import type { Dialect } from '../model/sample-sink.ts';
import { atOnce } from '../primitives/turns.ts';
import { OrphanAdoption } from './adopt-orphans.ts';
import { applyDetails } from './apply-details.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import { Accumulators } from '../store/accumulators.ts';
import type { DiscardedTexts } from '../store/discarded-texts.ts';
import { Families } from '../store/families.ts';
import type { Family } from '../store/families.ts';
import { cleanRows } from './clean-rows.ts';
import { createNeeded, nameCreated } from './create-accumulators.ts';
import { dropSeries } from './drop-series.ts';
import type { DroppingState } from './drop-series.ts';
import { followTtlRules, noteNamed } from './series-expiry.ts';
import { FAMILY_ROWS, FamilyChanges } from './family-changes.ts';
import { advanceWindows, followWindowRules, openWindows, putInWindows } from './gauge-windows.ts';
import { emptySeriesCaches, forgetSeriesKeys, learnSeriesKeys } from './learn-series-keys.ts';
import { Pace, STEP_ROWS } from '../primitives/pace.ts';
import { usesStartTimes } from '../store/aggregation-config.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import { GaugeRules } from '../store/gauge-rules.ts';
import type { Limits } from '../store/limits.ts';
import { Readers } from '../primitives/readers.ts';
import { Sources } from '../sources/sources.ts';
import type { NamedSources } from '../sources/silent-sources.ts';
import { isPushTime } from '../store/push-time-names.ts';
import type { SeriesCache } from '../store/series-cache.ts';
import { SummaryRules } from '../store/summary-rules.ts';
import { removeEmpty } from './remove-empty.ts';
import { StartTimeRows } from './start-time-rows.ts';
import { Showing } from './showing.ts';
import { isRecyclingDue } from './usage.ts';
import { AccumulatorKind, isNative, takesUntyped } from '../store/policies.ts';

/** Who pushed, and how. Of a sender that adds the source means nothing. */
export interface PushOrigin {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly nowMs: number;
  /** When the source pushed, where another member held the push before; `nowMs` where it is left out. */
  readonly sentMs?: number;
  /** Wall-clock time, kept as the start of what is counted for the first time. */
  readonly wallMs: number;
}

/** To look for the series of a start time is as much work as so many rows. */
const START_TIME_ROWS = 8;
/** Of texts, moved with each push where freed ones have left too many gaps: less than a tenth of a millisecond. */
const COMPACTED_BYTES = 1 << 16;

/** What earlier versions left out. */
export type Recycling = Readonly<Partial<Record<'reusesComposites' | 'sorts', boolean>>>;

export class State {
  readonly hashSeed: number;
  readonly limits: Limits;
  readonly accumulators: Accumulators;
  readonly families: Families = new Families();
  readonly sources: Sources;
  readonly seriesCache: Readonly<Record<Dialect, SeriesCache>>;
  /** Replaced when it is full (learn-series-keys.ts). */
  discardedTexts: DiscardedTexts;
  /** Grows with every change that can invalidate a batch being decoded: anything created, freed or retyped. */
  epoch = 0;
  /** Grows with those of them by which something that was known is gone, or means something else. */
  losses = 0;
  readonly pace: Pace;
  readonly showing: Showing;
  /** They keep the numbers of freed accumulators from being used again. */
  readonly readers: Readers = new Readers();
  /** What rules make of gauges. */
  gaugeRules: GaugeRules;
  #summaryRules: SummaryRules;
  /** A push was refused for the room that freed series take, which are to be recycled as soon as nobody reads them. */
  isShortOfSpace = false;
  #aggregation: AggregationConfig;
  /** Families of which rows were freed since their lists were last cleaned. */
  readonly #freed = new Set<Family>();
  readonly #changes: FamilyChanges;
  readonly #startTimes: StartTimeRows;

  /** `stepRows` bounds the rows of one step. */
  constructor(
    aggregation: AggregationConfig,
    limits: Limits,
    hashSeed: number,
    stepRows: number = STEP_ROWS,
  ) {
    this.#aggregation = aggregation;
    this.gaugeRules = GaugeRules.parse(aggregation.metricRules);
    this.#summaryRules = SummaryRules.parse(aggregation.metricRules);
    this.pace = new Pace(stepRows);
    this.limits = limits;
    this.hashSeed = hashSeed;
    this.accumulators = new Accumulators(hashSeed, () => this.epoch);
    this.showing = new Showing(this);
    ({ seriesCache: this.seriesCache, discardedTexts: this.discardedTexts } = emptySeriesCaches(
      hashSeed,
      limits.otherSpellingsBytesMax,
    ));
    this.sources = new Sources(this.accumulators, aggregation, hashSeed, {
      pace: this.pace,
      free: (accumulator) => this.#freeLast(accumulator),
      isGauge: (family) => this.families.get(family).type === 'gaugehistogram',
      dropsWithdrawn: () => this.aggregation.dropsWithdrawn === true,
      areGroups: () => this.aggregation.groups === true,
      isPushTime: (family) => isPushTime(this.families.get(family).name),
      dropComposite: (composite) => this.#dropComposite(composite),
    });
    this.#startTimes = new StartTimeRows(this.accumulators, this.families, hashSeed);
    this.#changes = new FamilyChanges({
      accumulators: this.accumulators,
      families: this.families,
      sources: this.sources,
      pace: this.pace,
      aggregation: () => this.aggregation,
      discards: (family) => this.discards(family),
      gaugeRules: () => this.gaugeRules,
      freeRow: (accumulator) => void this.#freeAccumulator(accumulator),
      seriesGoes: (accumulator) => this.#seriesGoes(accumulator),
      dropComposite: (composite) => this.#dropComposite(composite),
      meaningsChanged: () => this.#meaningsChanged(),
    });
    atOnce(followTtlRules(aggregation.metricRules, { state: this, nowMs: 0 }));
    atOnce(followWindowRules(this, aggregation, 0));
  }

  /** Untyped samples dropped because a declared family took their name, since the last time it was set to 0. */
  get droppedOrphans(): number {
    return this.#changes.droppedOrphans;
  }

  set droppedOrphans(orphans: number) {
    this.#changes.droppedOrphans = orphans;
  }

  get aggregation(): AggregationConfig {
    return this.#aggregation;
  }

  /**
   * Goes on by other rules. Counters and histograms stay as they are, but for buckets that rules do not list. Gauges go when the mode of all senders
   * changes, as nobody could take back what they were, but for what senders that add have; so do summaries that are to be dropped from now on. Gauges of
   * which rules make something else are computed anew from what sources contribute; in add mode they go.
   */
  setAggregation(aggregation: AggregationConfig, nowMs: number = 0): void {
    atOnce(this.setAggregationInSteps(aggregation, nowMs));
  }

  /** With other rules of ttl, series of which it is not known when they were last named are as if named at `nowMs`; so is what gets another window. */
  *setAggregationInSteps(aggregation: AggregationConfig, nowMs: number): Generator<void, void> {
    const before = this.#aggregation;
    const { droppedOrphans, pace } = this;
    pace.begin();
    const rules = { before: before.metricRules, now: aggregation.metricRules };
    const areRulesSame = rules.before === rules.now;
    if (!areRulesSame) {
      this.gaugeRules = yield* GaugeRules.parseInSteps(rules.now, pace);
      this.#summaryRules = yield* SummaryRules.parseInSteps(rules.now, pace);
    }
    this.#aggregation = aggregation;
    this.sources.derives = this.gaugeRules.areSome;
    const { common } = this.accumulators;
    const keepsGauges = aggregation.mixed === true || common.size > 0;
    if (before.byJob && !aggregation.byJob) yield* this.sources.forgetAll();
    else if (!before.byJob && aggregation.mixed === true) yield* this.sources.common.takeAll();
    yield* this.#changes.followAggregation(before, aggregation, { keepsGauges });
    yield* this.#changes.resolve();
    if (!areRulesSame) yield* this.#changes.followRules(rules);
    if (!areRulesSame) yield* followTtlRules(rules.now, { state: this, nowMs });
    if (!areRulesSame || before.byJob !== aggregation.byJob)
      yield* followWindowRules(this, aggregation, nowMs);
    yield* this.#dropStartTimes();
    this.droppedOrphans = droppedOrphans;
  }

  /** Whether an accumulator stays and can take numbers of `kind` once a push that changes its family is applied. */
  survives(accumulator: number, family: PushFamily, kind: AccumulatorKind): boolean {
    const is = this.accumulators.kindOf(accumulator);
    if (is === kind || (is === AccumulatorKind.CREATED && kind === AccumulatorKind.GAUGE)) return true;
    if (!family.changed || is !== AccumulatorKind.UNTYPED) return false;
    return takesUntyped(kind, this.accumulators.sums.get(accumulator));
  }

  /** Whether samples of a family are read and thrown away. */
  discards({ name, type }: Pick<Family, 'name' | 'type'>): boolean {
    if (type !== 'summary') return false;
    return (this.#summaryRules.treatmentOf(name) ?? this.aggregation.summaries) === 'discard';
  }

  /** Whether one more source would be too many. */
  isFullFor(source: string): boolean {
    return this.aggregation.byJob && this.sources.size >= this.limits.sourcesMax && !this.sources.has(source);
  }

  /** Applies a batch made for the state as it is (`builder.epoch` equals `epoch`). Cannot fail. `body` is what it was read from. */
  apply(batch: Batch, body: Uint8Array, origin: PushOrigin): void {
    atOnce(this.applyInSteps(batch, body, origin));
  }

  *applyInSteps(batch: Batch, body: Uint8Array, origin: PushOrigin): Generator<void, void> {
    const { pace } = this;
    pace.begin();
    const adoptions = batch.families.length > 0 ? yield* this.#applyFamilies(batch) : undefined;
    if (batch.turned.length > 0) {
      yield* this.#changes.turn(batch.turned);
      yield* this.#changes.resolve();
      this.#lose();
    }
    if (batch.pendingSeries.length > 0) yield* this.#createAccumulators(batch, origin.wallMs);
    if (adoptions !== undefined) yield* this.#adopt(adoptions);
    if (batch.pendingSeries.length > 0)
      yield* removeEmpty(batch, this, () => {
        // It came with this push, or changed with it: no loss for those who have not heard of it, and others know.
        forgetSeriesKeys(this);
        this.epoch += 1;
      });
    if (batch.aliases.length > 0) yield* learnSeriesKeys(this, batch, body);
    if (this.aggregation.byJob) {
      const { sources } = this;
      const isOfSource = batch.sender.byJob;
      const steps = isOfSource ? sources.push(origin.source, batch, origin) : sources.common.take(batch);
      if (steps !== undefined) yield* steps;
    } else {
      for (let from = 0; from < batch.length; from += pace.rows) {
        const to = Math.min(from + pace.rows, batch.length);
        this.accumulators.addAll(batch.accumulators, batch.values, from, to);
        putInWindows(batch, from, to, { state: this, nowMs: origin.nowMs });
        if (to < batch.length && pace.isFull(to - from)) yield;
      }
    }
    yield* this.#dropStartTimes();
    if (batch.starts.length > 0 || batch.exemplars.length > 0)
      yield* applyDetails(batch, this.accumulators, { wallMs: origin.wallMs, pace });
    const { lastNamed } = this.accumulators;
    const naming = lastNamed && noteNamed(batch, lastNamed, { state: this, nowMs: origin.nowMs });
    if (naming !== undefined) yield* naming;
    if (batch.exemplarsDropped > 0) this.accumulators.exemplars.dropped += batch.exemplarsDropped;
    this.accumulators.texts.compact(COMPACTED_BYTES);
  }

  /** Whether only `isLateInSteps` can say that a push is not late. */
  mayBeLate({ began, sender }: Batch): boolean {
    return began.length > 0 && usesStartTimes(sender);
  }

  /** Whether a push is older than what its source has pushed already. It is not to be applied then. */
  *isLateInSteps(batch: Batch, { source }: Pick<PushOrigin, 'source'>): Generator<void, boolean> {
    this.pace.begin();
    return yield* this.sources.isLate(source, batch);
  }

  remove(source: string): boolean {
    return atOnce(this.removeInSteps([source])) > 0;
  }

  /** Returns how many of these sources there were. */
  *removeInSteps(sources: readonly string[]): Generator<void, number> {
    this.pace.begin();
    let removed = 0;
    for (const source of sources) if (yield* this.sources.remove(source)) removed += 1;
    yield* this.#dropStartTimes();
    return removed;
  }

  /** See `dropSeries`. What sources have of them is forgotten, so that whoever pushes one again counts in full. */
  *dropSeriesInSteps(named: Uint32Array): Generator<void, number> {
    this.pace.begin();
    const dropped = yield* dropSeries(named, this.#dropping());
    yield* this.#dropStartTimes();
    return dropped;
  }

  /** See `advanceWindows`; returns how many series have gone. */
  *advanceWindowsInSteps(named: Uint32Array, nowMs: number): Generator<void, number> {
    this.pace.begin();
    const gone = yield* advanceWindows(named, this.#dropping(), nowMs);
    yield* this.#dropStartTimes();
    return gone;
  }

  #dropping(): DroppingState {
    return {
      accumulators: this.accumulators,
      pace: this.pace,
      forget: this.aggregation.byJob ? (gone) => this.sources.forgetAccumulators([gone]) : undefined,
      free: (accumulator) => this.#freeLast(accumulator),
      dropComposite: (composite) => this.#dropComposite(composite),
    };
  }

  /** Forgets families of which nothing is kept but their types. */
  *dropDiscardedInSteps(): Generator<void, void> {
    this.pace.begin();
    yield* this.#changes.dropDiscarded();
  }

  /** Resets and forgets silent sources, a limited number at a time; true when there may be more to do. */
  expire(limits: Silence, most: number): boolean {
    return atOnce(this.expireInSteps(limits, most));
  }

  *expireInSteps({ pruneBeforeMs, forgetBeforeMs }: Silence, most: number): Generator<void, boolean> {
    this.pace.begin();
    const forgotten =
      forgetBeforeMs === undefined ? 0 : yield* this.sources.silent.forget(forgetBeforeMs, most);
    const pruned = pruneBeforeMs === undefined ? 0 : yield* this.sources.silent.prune(pruneBeforeMs, most);
    yield* this.#dropStartTimes();
    return forgotten >= most || pruned >= most;
  }

  *expireNamedInSteps(named: NamedSources): Generator<void, void> {
    this.pace.begin();
    yield* this.sources.silent.expireNamed(named);
    yield* this.#dropStartTimes();
  }

  /** Whether it is time for `recycle`. */
  get wantsRecycling(): boolean {
    return this.readers.count === 0 && this.isRecyclingDue;
  }

  /** The same, but for those who still read. */
  get isRecyclingDue(): boolean {
    return isRecyclingDue(this.accumulators, { isShortOfSpace: this.isShortOfSpace });
  }

  /**
   * Lets the numbers of freed accumulators be used again. A verb of its own, as the time for it depends on who reads, and the numbers
   * that later accumulators get depend on it: whoever applies the same changes again must recycle between the same two.
   */
  recycle(): void {
    atOnce(this.recycleInSteps());
  }

  /** Earlier versions gave the numbers of composite series to no others, and did not sort what was freed. */
  *recycleInSteps({ reusesComposites = true, sorts = true }: Recycling = {}): Generator<void, void> {
    if (this.readers.count > 0) throw new Error('BUG: recycling accumulators that somebody reads');
    this.pace.begin();
    yield* this.cleanFreed();
    if (sorts) yield* this.accumulators.sortFreed(this.pace);
    yield* this.accumulators.forgetFreedMembers(this.pace, { reusesComposites });
    // A series key must not lead to an accumulator that is something else by then.
    forgetSeriesKeys(this);
    yield* this.accumulators.recycle(this.pace);
    this.isShortOfSpace = false;
    this.#lose();
  }

  /** Takes freed rows out of the lists of their families, after which their numbers may be used again. Whoever opens a view begins with it. */
  *cleanFreed(): Generator<void, void> {
    for (const family of this.#freed) {
      // Of a family that went no list is left.
      if (this.families.byId[family.id] === family) yield* cleanRows(family, this.accumulators, this.pace);
    }
    this.#freed.clear();
  }

  *#applyFamilies(batch: Batch): Generator<void, readonly OrphanAdoption[] | undefined> {
    let adoptions: OrphanAdoption[] | undefined;
    for (const pushed of batch.families) {
      if (this.pace.isFull(FAMILY_ROWS)) yield;
      if (pushed.known === undefined && !pushed.sampled) continue;
      if (pushed.replaces.length > 0) {
        const adoption = yield* this.#replace(pushed);
        if (adoption !== undefined) (adoptions ??= []).push(adoption);
      }
      if (pushed.known === undefined) {
        pushed.known = this.families.create(pushed.name, pushed.type);
        this.families.setDiscarded(pushed.known, this.discards(pushed));
        this.epoch += 1;
      } else if (pushed.changed) {
        yield* this.#changes.retype(pushed.known, pushed.type);
      }
      const family = pushed.known;
      this.families.describe(family, pushed);
      family.quotedNames ||= pushed.quotedNames;
      this.accumulators.noteChange(family.id);
      if (!batch.judgesStartTimes) yield* this.#changes.findStartTimes(pushed, family);
    }
    yield* this.#changes.resolve();
    return adoptions;
  }

  /** Drops the families that give way to one; what is returned is to be carried out once that one is there. */
  *#replace(pushed: PushFamily): Generator<void, OrphanAdoption | undefined> {
    const replaced = new Set(pushed.replaces);
    const adoption = pushed.adopts && !this.discards(pushed) ? new OrphanAdoption(this, pushed) : undefined;
    if (adoption !== undefined) yield* adoption.look(replaced);
    for (const family of replaced) yield* this.#changes.drop(family, adoption?.hasTaken(family) === true);
    return adoption;
  }

  *#adopt(adoptions: readonly OrphanAdoption[]): Generator<void, void> {
    for (const adoption of adoptions) {
      yield* adoption.carryOut(yield* this.#changes.bucketRules());
      this.droppedOrphans -= adoption.adopted;
    }
  }

  /** Takes the row of a gauge or untyped series off the page; its family goes with its last row. A native bucket just goes. */
  #freeLast(accumulator: number): void {
    if (isNative(this.accumulators.kindOf(accumulator))) {
      this.#freeNative(accumulator);
      return;
    }
    this.#seriesGoes(accumulator);
    const family = this.#freeAccumulator(accumulator);
    if (family.rowCount > 0) return;
    this.families.remove(family);
    this.#meaningsChanged();
  }

  /** Takes a gauge histogram off the page that no source has. Its lists stay for views that were opened before, as its row does. */
  *#dropComposite(id: number): Generator<void, void> {
    const { accumulators, pace } = this;
    const { count } = accumulators.composites[id]!;
    const family = this.families.get(accumulators.family[count]!);
    this.#seriesGoes(count);
    // By number: in the lists they come in an order that a restart changes.
    for (const accumulator of accumulators.membersOf(id).sort((a, b) => a - b)) {
      if (pace.isFull(1)) yield;
      accumulators.free(accumulator);
      family.accumulatorCount -= 1;
    }
    family.rowCount -= 1;
    this.#freed.add(family);
    this.#lose();
    if (family.rowCount > 0) return;
    this.families.remove(family);
    this.#meaningsChanged();
  }

  #seriesGoes(accumulator: number): void {
    if (this.aggregation.dropsStartTimes === true) this.#startTimes.seriesGoes(accumulator);
  }

  /** Once all is there that a change brings, so that a series that comes again keeps its start time. */
  *#dropStartTimes(): Generator<void, void> {
    if (!this.#startTimes.mayGo) return;
    for (const accumulator of this.#startTimes.takeThoseThatGo()) {
      this.#freeLast(accumulator);
      if (this.pace.isFull(START_TIME_ROWS)) yield;
    }
  }

  /** It stays in the list of its group until its number is used again, for views that were opened before. */
  #freeNative(accumulator: number): void {
    this.families.get(this.accumulators.family[accumulator]!).accumulatorCount -= 1;
    this.accumulators.free(accumulator);
    this.#lose();
  }

  /** Frees an accumulator that is a row of its own. */
  #freeAccumulator(accumulator: number): Family {
    const family = this.families.get(this.accumulators.family[accumulator]!);
    if (this.accumulators.kind[accumulator] === AccumulatorKind.CREATED) family.startTimeRows -= 1;
    this.accumulators.free(accumulator);
    family.rowCount -= 1;
    family.accumulatorCount -= 1;
    this.#freed.add(family);
    this.#lose();
    return family;
  }

  /** Spellings may stand for something else now; they are learnt again by use. */
  #meaningsChanged(): void {
    forgetSeriesKeys(this);
    this.#lose();
  }

  #lose(): void {
    this.epoch += 1;
    this.losses += 1;
  }

  *#createAccumulators(batch: Batch, wallMs: number): Generator<void, void> {
    const { pace } = this;
    const created = yield* createNeeded(batch, this.accumulators, { startMs: wallMs, pace });
    yield* openWindows(batch, created, this);
    yield* nameCreated(batch, created, pace);
    this.epoch += 1;
  }
}

/** Times of silence. */
interface Silence {
  readonly pruneBeforeMs?: number;
  readonly forgetBeforeMs?: number;
}
