/**
 * Histograms that go on with other bounds, as rules say: what is in a bucket that is not listed any more goes to the lowest that takes it, which is
 * where pushes by these rules have it. What was counted by fewer bounds stays as it is.
 *
 * Rows come in an order that depends on scrapes, so histograms are gone through by their numbers: those of the accumulators that come and go
 * follow from it.
 */
import { foldedBound } from '../histogram/folded-bound.ts';
import { hasBuckets } from '../model/metric-type.ts';
import { parseSeriesText, seriesText } from '../model/series-text.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { NumberList } from '../primitives/number-list.ts';
import { rowsOfRules, sortNumbers } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import { FoldTable } from '../sources/folded-contributions.ts';
import type { Sources } from '../sources/sources.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import { BucketRules, bucketRulesText } from '../store/bucket-rules.ts';
import type { Bounds } from '../store/bucket-rules.ts';
import type { Families, Family } from '../store/families.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** Reading so much of a text of rules is as much work as a row. */
const TEXT_ROW_CHARS = 64;
/** To make a bucket, and to take one away, is as much work as so many rows. */
const MADE_ROWS = 4;

/** What is asked of the state. */
interface FoldingState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly sources: Sources;
  readonly pace: Pace;
  aggregation(): AggregationConfig;
}

/** AggregationConfig.metricRules. */
export interface RulesChange {
  readonly before: string | undefined;
  readonly now: string | undefined;
}

/** Has histograms be what the rules make of them now. To be called once the state goes by them. */
export function* foldBuckets(state: FoldingState, { before, now }: RulesChange): Generator<void, void> {
  const textBefore = bucketRulesText(before);
  if (state.pace.isFull((before?.length ?? 0) / TEXT_ROW_CHARS)) yield;
  if (textBefore === bucketRulesText(now)) return;
  const folding = new BucketFolding(state, {
    before: yield* BucketRules.parseInSteps(before, state.pace),
    now: yield* BucketRules.parseInSteps(now, state.pace),
  });
  yield* folding.run();
}

class BucketFolding {
  readonly #state: FoldingState;
  readonly #before: BucketRules;
  readonly #now: BucketRules;
  /** By composite series: 1 + the place of its bounds in `lists`; 0 for those that stay as they are. */
  readonly #listOf: Uint32Array;
  readonly #lists: Bounds[] = [];
  /** The buckets `+Inf` of histograms that sources may push with bounds that are not known here. */
  readonly #rebound = new NumberList();
  /** How many buckets come. */
  #made = 0;
  readonly #gone = new NumberList();

  constructor(state: FoldingState, rules: { readonly before: BucketRules; readonly now: BucketRules }) {
    this.#state = state;
    this.#before = rules.before;
    this.#now = rules.now;
    this.#listOf = new Uint32Array(state.accumulators.composites.length);
  }

  *run(): Generator<void, void> {
    const { accumulators, families, sources, pace } = this.#state;
    for (const family of families) if (hasBuckets(family.type)) yield* this.#look(family);
    yield* accumulators.reserveInSteps(this.#made, pace);
    const table = new FoldTable(accumulators.kind.length, accumulators);
    for (let id = 0; id < this.#listOf.length; id += 1) {
      const list = this.#listOf[id]!;
      const { length } = list === 0 ? [] : accumulators.composites[id]!.buckets;
      if (list > 0) this.#fold(id, this.#lists[list - 1]!, table);
      if (pace.isFull(1 + length * MADE_ROWS)) yield;
    }
    for (const infinity of this.#rebound) {
      table.rebound(infinity);
      if (pace.isFull(1)) yield;
    }
    yield* sources.folded.fold(table);
    for (const bucket of yield* sortNumbers(pace, this.#gone.between(0, this.#gone.length))) {
      families.get(accumulators.family[bucket]!).accumulatorCount -= 1;
      accumulators.free(bucket);
      if (pace.isFull(1)) yield;
    }
  }

  /** Finds out which histograms of a family change, and into what. */
  *#look(family: Family): Generator<void, void> {
    const { accumulators, pace } = this.#state;
    const { sorted, pending } = family;
    const rules = this.#now.sizeFor(family.name) + this.#before.sizeFor(family.name);
    if (pace.isFull(1 + rules)) yield;
    if (rules === 0) return;
    for (const rows of [sorted, pending.between(0, pending.length)]) {
      for (const id of rows) {
        const { count, buckets } = accumulators.composites[id]!;
        const isLive = count >= 0 && accumulators.kind[count] === AccumulatorKind.COUNT;
        if (isLive) this.#lookAt(id, family, accumulators.textOf(count));
        const bytes = accumulators.texts.lengthOf(Math.max(count, 0));
        if (pace.isFull(buckets.length + rowsOfRules(rules, bytes))) yield;
      }
    }
  }

  #lookAt(id: number, { name, type }: Family, text: string): void {
    const { accumulators } = this.#state;
    const bounds = this.#now.boundsOf(name, text);
    const { buckets } = accumulators.composites[id]!;
    if (bounds !== undefined) {
      const groups = groupsOf(buckets, accumulators.bound, bounds);
      if (groups.length < buckets.length || groups.some(({ isThere }) => !isThere)) {
        this.#listOf[id] = 1 + this.#numberOf(bounds);
        for (const { isThere } of groups) if (!isThere) this.#made += 1;
      }
    }
    if (!this.#state.aggregation().byJob || type !== 'histogram') return;
    const before = this.#before.boundsOf(name, text);
    // Of what is counted by some bounds it is not known what it would be by others.
    const isKnown = before === undefined || bounds?.every((bound) => before.includes(bound)) === true;
    if (!isKnown) this.#rebound.push(buckets.at(-1)!);
  }

  #numberOf(bounds: Bounds): number {
    const known = this.#lists.indexOf(bounds);
    return known >= 0 ? known : this.#lists.push(bounds) - 1;
  }

  #fold(id: number, bounds: Bounds, table: FoldTable): void {
    const { accumulators } = this.#state;
    const groups = groupsOf(accumulators.composites[id]!.buckets, accumulators.bound, bounds);
    const buckets = groups.map((group) => {
      const target = group.isThere ? group.members.at(-1)! : this.#make(id, group);
      for (const member of group.members) if (member !== target) this.#move(member, target, table);
      return target;
    });
    accumulators.replaceBuckets(id, buckets);
  }

  /** Makes a bucket that takes what is in these. */
  #make(id: number, { bound, members }: Group): number {
    const { accumulators, families } = this.#state;
    const { count } = accumulators.composites[id]!;
    const family = families.get(accumulators.family[count]!);
    const { labels } = parseSeriesText(accumulators.textOf(count));
    const text = Buffer.from(seriesText(`${family.name}_bucket`, labels, formatFloat64(bound)));
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    const { texts, startMs } = accumulators;
    const hash = texts.hash(view, 0, text.length);
    family.accumulatorCount += 1;
    const bucket = accumulators.create(
      { view, start: 0, end: text.length, hash },
      {
        kind: AccumulatorKind.BUCKET,
        family: family.id,
        composite: id,
        bound,
        startMs: Math.min(...members.map((member) => startMs[member]!)),
      },
    );
    accumulators.owners.giveAs(bucket, count);
    return bucket;
  }

  #move(bucket: number, target: number, table: FoldTable): void {
    const { accumulators, sources } = this.#state;
    for (const part of accumulators.sums.parts(bucket)) if (part !== 0) accumulators.add(target, part);
    const exemplar = accumulators.exemplars.get(bucket);
    if (exemplar !== undefined) accumulators.offerExemplar(target, exemplar, exemplar.timestampMs);
    if (accumulators.common.has(bucket)) sources.common.join(target);
    if (this.#state.aggregation().byJob) table.fold(bucket, target);
    this.#gone.push(bucket);
  }
}

/** Buckets that become one. */
interface Group {
  readonly bound: number;
  /** By ascending bound. */
  readonly members: number[];
  /** The last one has the bound already. */
  isThere: boolean;
}

function groupsOf(buckets: readonly number[], boundOf: Float64Array, listed: Bounds): readonly Group[] {
  const groups: Group[] = [];
  for (const bucket of buckets) {
    const own = boundOf[bucket]!;
    // Zero has one sign.
    const bound = foldedBound(own, listed) + 0;
    let group = groups.at(-1);
    if (group?.bound !== bound) {
      group = { bound, members: [], isThere: false };
      groups.push(group);
    }
    group.members.push(bucket);
    if (own === bound) group.isThere = true;
  }
  return groups;
}
