/**
 * Changes of whole families: what was untyped becomes what it is declared to be, and what cannot be goes. As many rows as a family
 * has are touched, so all goes in steps.
 */
import { isDistribution, isKindOfGauge } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import { NumberList } from '../primitives/number-list.ts';
import type { PushFamily, TurnedRow } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import { BucketRules } from '../store/bucket-rules.ts';
import { hasStartTimes, startTimesName } from '../store/families.ts';
import type { Families, Family } from '../store/families.ts';
import type { GaugeRules } from '../store/gauge-rules.ts';
import { foldBuckets } from './fold-buckets.ts';
import type { RulesChange } from './fold-buckets.ts';
import { rowsOfRules, sortNumbers } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Sources } from '../sources/sources.ts';
import { openWindow } from './gauge-windows.ts';
import { AccumulatorKind, isCounted, rowKindOf, takesUntyped } from '../store/policies.ts';

/** A family is as much work as so many rows. */
export const FAMILY_ROWS = 8;
/** A row that turns into a start time, or back, is as much work as so many others. */
const TURNED_ROWS = 4;

/** What is asked of the state. */
interface ChangedState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly sources: Sources;
  readonly pace: Pace;
  aggregation(): AggregationConfig;
  discards(family: Pick<Family, 'name' | 'type'>): boolean;
  gaugeRules(): GaugeRules;
  /** Frees an accumulator that is a row of its own. */
  freeRow(accumulator: number): void;
  /** Called before the counter of a series goes, or its count. */
  seriesGoes(accumulator: number): void;
  dropComposite(composite: number): Generator<void, void>;
  /** Called when lines or series of a family may stand for something else now. */
  meaningsChanged(): void;
}

export class FamilyChanges {
  /** Untyped samples dropped because a declared family took their name, since the last time somebody asked. */
  droppedOrphans = 0;
  readonly #state: ChangedState;
  /** Accumulators of which the contributions are to be forgotten. */
  readonly #forgotten: Uint32Array[] = [];
  /** As they were when they were last asked for, and the text that they are of. */
  #bucketRules: BucketRules | undefined;
  #bucketRulesOf: string | undefined;

  constructor(state: ChangedState) {
    this.#state = state;
  }

  /** An untyped family becomes what it is declared to be. What cannot be that goes. */
  *retype(family: Family, type: MetricType): Generator<void, void> {
    const { accumulators, families, pace } = this.#state;
    const rows = yield* this.#liveRows(family);
    family.type = type;
    families.setDiscarded(family, this.#state.discards(family));
    const kindOfAll = rowKindOf(family);
    const [gone, counters] = [new NumberList(), new NumberList()];
    for (const accumulator of rows) {
      const kind = type === 'gauge' ? this.#gaugeKindOf(family, accumulator) : kindOfAll;
      if (kind === undefined || !takesUntyped(kind, accumulators.sums.get(accumulator)))
        gone.push(accumulator);
      else {
        accumulators.kind[accumulator] = kind;
        accumulators.windows?.delete(accumulator);
        if (isCounted(kind)) counters.push(accumulator);
      }
      if (pace.isFull(1)) yield;
    }
    this.droppedOrphans += gone.length;
    const orphans = gone.between(0, gone.length);
    this.#forgetContributions(orphans);
    yield* this.#freeRows(orphans);
    this.droppedOrphans += yield* this.#becomeCounters(counters.between(0, counters.length));
    if (isDistribution(type)) {
      // From now on its rows are groups.
      family.sorted = new Uint32Array(0);
      family.pending = new NumberList();
    }
    this.#state.meaningsChanged();
  }

  *#becomeCounters(counters: Uint32Array): Generator<void, number> {
    const { accumulators, sources, pace } = this.#state;
    if (this.#state.aggregation().byJob) return yield* sources.becomeCounters(counters);
    for (const counter of counters) {
      // Sources may have had it, when there were some.
      accumulators.contributors[counter] = 0;
      if (pace.isFull(1)) yield;
    }
    return 0;
  }

  /** Rows of gauges become start times, of which the minimum is kept, or are gauges again. What they held is gone. */
  *turn(turned: readonly TurnedRow[]): Generator<void, void> {
    const { accumulators, families, pace } = this.#state;
    const starts = turned.filter(({ isStartTime }) => isStartTime);
    this.#forgetContributions(Uint32Array.from(starts, ({ accumulator }) => accumulator));
    for (const { accumulator, isStartTime } of turned) {
      const family = families.get(accumulators.family[accumulator]!);
      family.startTimeRows += isStartTime ? 1 : -1;
      const kind = isStartTime ? AccumulatorKind.CREATED : this.#gaugeKindOf(family, accumulator);
      accumulators.turn(accumulator, kind);
      openWindow(accumulator, { accumulators, families, gaugeRules: this.#state.gaugeRules() });
      if (pace.isFull(TURNED_ROWS)) yield;
    }
  }

  /** For records of earlier versions, which did not say what was found. */
  *findStartTimes(pushed: PushFamily, family: Family): Generator<void, void> {
    if (pushed.allStartTimes && !family.allStartTimes) yield* this.#holdStartTimes(family);
    if (!hasStartTimes(family.type)) return;
    const created = this.#state.families.find(startTimesName(family.name));
    if (created !== undefined && created.type === 'gauge' && !created.allStartTimes)
      yield* this.#holdStartTimes(created);
  }

  /** As those have it: from now on the minimum is kept of all rows. */
  *#holdStartTimes(family: Family): Generator<void, void> {
    const { accumulators, pace } = this.#state;
    family.allStartTimes = true;
    if (family.rowCount === 0) return;
    const rows = yield* this.#liveRows(family);
    this.#forgetContributions(rows);
    family.startTimeRows = rows.length;
    for (const accumulator of rows) {
      accumulators.kind[accumulator] = AccumulatorKind.CREATED;
      if (pace.isFull(1)) yield;
    }
    this.#state.meaningsChanged();
  }

  /** Has go what means nothing with another aggregation config: gauges, unless they are kept, and summaries. */
  *followAggregation(
    before: AggregationConfig,
    now: AggregationConfig,
    { keepsGauges }: { readonly keepsGauges: boolean },
  ): Generator<void, void> {
    const dropsGauges = before.byJob !== now.byJob && !keepsGauges;
    const dropsUnheld = now.byJob && now.dropsWithdrawn !== before.dropsWithdrawn;
    for (const family of this.#state.families) {
      const { type } = family;
      const isSummary = type === 'summary' && family.discarded !== this.#state.discards(family);
      if (isSummary || (type === 'gaugehistogram' && dropsGauges)) yield* this.dropGrouped(family);
      else if (type === 'gaugehistogram' && dropsUnheld) yield* this.#dropUnheld(family);
      else if (dropsGauges && isKindOfGauge(type)) yield* this.#dropGauges(family);
      if (this.#state.pace.isFull(FAMILY_ROWS)) yield;
    }
  }

  /** What earlier versions left as zeros. */
  *#dropUnheld({ sorted, pending }: Family): Generator<void, void> {
    const { composites, contributors, kind } = this.#state.accumulators;
    const rows = [...sorted, ...pending.between(0, pending.length)].sort((a, b) => a - b);
    for (const row of rows) {
      const { count } = composites[row]!;
      if (contributors[count] === 0 && kind[count] === AccumulatorKind.COUNT)
        yield* this.#state.dropComposite(row);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  /** What is a gauge of a family of gauges goes, and the family with it unless it holds start times. */
  *#dropGauges(family: Family): Generator<void, void> {
    if (family.startTimeRows === 0) {
      yield* this.drop(family);
      return;
    }
    if (family.startTimeRows === family.rowCount) return;
    const { accumulators, pace } = this.#state;
    const gauges = new NumberList();
    for (const accumulator of yield* this.#liveRows(family)) {
      if (accumulators.kind[accumulator] !== AccumulatorKind.CREATED) gauges.push(accumulator);
      if (pace.isFull(1)) yield;
    }
    const rows = gauges.between(0, gauges.length);
    this.#forgetContributions(rows);
    yield* this.#freeRows(rows);
  }

  /**
   * Has histograms and gauges be what the rules make of them now. Of gauges by job their totals are computed anew from what sources contribute, and what no source has
   * then goes; without sources they go, and begin anew with the next push.
   */
  *followRules(change: RulesChange): Generator<void, void> {
    const { families, sources, pace } = this.#state;
    yield* foldBuckets(this.#state, change);
    const turned: Uint32Array[] = [];
    for (const family of families) if (family.type === 'gauge') turned.push(yield* this.#turnedRows(family));
    for (const rows of this.#state.aggregation().byJob ? [yield* sources.computeAnew(turned)] : turned) {
      yield* this.#freeRows(rows);
      for (const accumulator of rows) {
        const family = families.byId[this.#state.accumulators.family[accumulator]!];
        if (family?.rowCount === 0) families.remove(family);
        if (pace.isFull(1)) yield;
      }
    }
    // What was read by other rules is to be read again.
    this.#state.meaningsChanged();
  }

  /** Rows of which the rules make something else than they are. By job they are that then. */
  *#turnedRows(family: Family): Generator<void, Uint32Array> {
    const { accumulators, pace } = this.#state;
    const rules = this.#state.gaugeRules().sizeFor(family.name);
    const turned = new NumberList();
    for (const accumulator of yield* this.#liveRows(family)) {
      if (pace.isFull(1 + rowsOfRules(rules, accumulators.texts.lengthOf(accumulator)))) yield;
      if (accumulators.kind[accumulator] === AccumulatorKind.CREATED) continue;
      const kind = this.#gaugeKindOf(family, accumulator);
      if (kind === accumulators.kind[accumulator]) continue;
      turned.push(accumulator);
      if (this.#state.aggregation().byJob) accumulators.turn(accumulator, kind);
    }
    return turned.between(0, turned.length);
  }

  #gaugeKindOf({ name }: Family, accumulator: number): AccumulatorKind {
    const rules = this.#state.gaugeRules();
    if (rules.sizeFor(name) === 0) return AccumulatorKind.GAUGE;
    return rules.kindOf(name, this.#state.accumulators.textOf(accumulator));
  }

  /** Which bounds histograms keep. Few ask, so they are read for the first. */
  *bucketRules(): Generator<void, BucketRules> {
    const { metricRules } = this.#state.aggregation();
    if (this.#bucketRules === undefined || this.#bucketRulesOf !== metricRules) {
      this.#bucketRules = yield* BucketRules.parseInSteps(metricRules, this.#state.pace);
      this.#bucketRulesOf = metricRules;
    }
    return this.#bucketRules;
  }

  /** What sources have in it can be left for somebody who puts it elsewhere. */
  *drop(family: Family, keepsContributions: boolean = false): Generator<void, void> {
    const { families, pace } = this.#state;
    if (families.find(family.name) !== family) return;
    if (isDistribution(family.type) && family.rowCount > 0) {
      yield* this.dropGrouped(family);
      return;
    }
    const rows = yield* this.#liveRows(family);
    if (family.type === 'untyped') this.droppedOrphans += rows.length;
    if (!keepsContributions) this.#forgetContributions(rows);
    for (const accumulator of rows) {
      this.#state.seriesGoes(accumulator);
      if (pace.isFull(1)) yield;
    }
    yield* this.#freeRows(rows);
    if (families.find(family.name) === family) families.remove(family);
    this.#state.meaningsChanged();
  }

  /** Families of which nothing is kept but their types. */
  *dropDiscarded(): Generator<void, void> {
    for (const family of this.#state.families) {
      if (this.#state.pace.isFull(1)) yield;
      if (family.discarded) yield* this.drop(family);
    }
  }

  /**
   * Histograms or summaries, with what they hold. Their lists stay until their numbers and those of the accumulators are
   * used again, for views that were opened before.
   */
  *dropGrouped(family: Family): Generator<void, void> {
    const { accumulators, families, pace } = this.#state;
    const { composites } = accumulators;
    const gone = new NumberList();
    for (const row of yield* this.#liveRows(family)) {
      const { buckets, native, count } = composites[row]!;
      if (count >= 0 && accumulators.kind[count] === AccumulatorKind.COUNT) this.#state.seriesGoes(count);
      for (const accumulator of accumulators.membersOf(row)) gone.push(accumulator);
      if (pace.isFull(buckets.length + native.length + 2)) yield;
    }
    const all = gone.between(0, gone.length);
    this.#forgetContributions(all);
    // In order, as with rows below.
    for (const accumulator of yield* sortNumbers(pace, all)) {
      accumulators.free(accumulator);
      if (pace.isFull(1)) yield;
    }
    families.remove(family);
    this.#state.meaningsChanged();
  }

  /** Has sources forget what they have in accumulators that are others now; to be called before anything is counted. */
  *resolve(): Generator<void, void> {
    if (this.#forgotten.length > 0) yield* this.#state.sources.forgetAccumulators(this.#forgotten);
    this.#forgotten.length = 0;
  }

  #forgetContributions(accumulators: Uint32Array): void {
    if (this.#state.aggregation().byJob && accumulators.length > 0) this.#forgotten.push(accumulators);
  }

  *#freeRows(rows: Uint32Array): Generator<void, void> {
    const { pace } = this.#state;
    // They come in an order that depends on scrapes; their numbers are used again in the order in which they were freed.
    for (const accumulator of yield* sortNumbers(pace, rows)) {
      this.#state.freeRow(accumulator);
      if (pace.isFull(1)) yield;
    }
  }

  /** A list of its own of the rows that are not free. Views may replace those of the family meanwhile, but not what is in them. */
  *#liveRows({ type, sorted, pending }: Family): Generator<void, Uint32Array> {
    const { accumulators, pace } = this.#state;
    const areAccumulators = !isDistribution(type);
    const rows = new NumberList();
    for (const list of [sorted, pending.between(0, pending.length)]) {
      for (const row of list) {
        if (!areAccumulators || accumulators.kind[row] !== AccumulatorKind.FREE) rows.push(row);
        if (pace.isFull(1)) yield;
      }
    }
    return rows.between(0, rows.length);
  }
}
