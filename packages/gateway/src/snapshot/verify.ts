/**
 * What always holds in a state, whatever has happened to it: what one column or list says, the others do not contradict. A snapshot that was
 * damaged where no checksum sees it, or that was written wrongly, is found out here once it was restored, and not by a wrong number
 * years later. All is looked at once, in steps, during which nobody may change the state.
 */
import { hasBuckets, isDistribution } from '../model/metric-type.ts';
import {
  AccumulatorKind,
  fits,
  isCounted,
  isGrouped,
  isDerived,
  isNative,
  isNewest,
  isValue,
  policyOf,
  takesCounts,
} from '../store/policies.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { isStart, orderCount, startOf } from '../sources/source-starts.ts';
import { Paged } from '../primitives/paged.ts';
import { Ring } from '../sources/source-list.ts';
import type { State } from '../state/state.ts';
import { verifyCommon } from './common-table.ts';
import { verifyLastNamed } from './last-named-table.ts';
import { verifyOwners } from './owner-table.ts';
import { broken } from './parts.ts';
import type { Head } from './parts.ts';
import { verifyWindows } from './window-table.ts';

/** A composite series is as much work as so many rows of others. */
const COMPOSITE_ROWS = 2;

/** That a restored state holds as much as the head of its snapshot promised. Throws otherwise. */
export function verifyHead({ accumulators, families, sources }: State, head: Head): void {
  for (const [what, is, promised] of [
    ['families', families.size, head.families],
    ['family ids', families.size + families.freeIds.length, head.familyIds],
    ['accumulators', accumulators.texts.size, head.accumulators],
    ['composite series', accumulators.composites.length, head.composites],
    ['spilled sums', accumulators.sums.spilledCount, head.spilled],
    ['live sources', sources.liveCount, head.sourcesLive],
    ['pruned sources', sources.prunedCount, head.sourcesPruned],
  ] as const)
    if (is !== promised) throw broken(`${is} of ${promised} ${what}`);
}

/** That a state contradicts itself nowhere. Throws otherwise. */
export function* verifyState(state: State): Generator<void, void> {
  state.pace.begin();
  yield* verifyNumbers(state);
  const counts = yield* verifyAccumulators(state);
  yield* verifyComposites(state, counts);
  yield* verifyFamilies(state, counts);
  yield* verifyCommon(state);
  yield* verifyContributors(state);
  yield* verifyLastNamed(state);
  yield* verifyWindows(state);
  yield* verifyOwners(state);
}

/** Each number has an accumulator, or is free and in one of the two lists of such numbers. */
function* verifyNumbers({ accumulators, families, pace }: State): Generator<void, void> {
  const { texts, kind, pendingFree, sums } = accumulators;
  const listed = new Uint8Array(texts.high);
  for (const numbers of [pendingFree, texts.freeEntries]) {
    for (const accumulator of numbers) {
      if (
        accumulator >= texts.high ||
        kind[accumulator] !== AccumulatorKind.FREE ||
        listed[accumulator] === 1
      )
        throw broken(`accumulator ${accumulator} is free and is not`);
      listed[accumulator] = 1;
      if (pace.isFull(1)) yield;
    }
  }
  if (texts.size + pendingFree.length + texts.freeEntries.length !== texts.high)
    throw broken(`${texts.size} accumulators of ${texts.high} numbers`);
  for (const [accumulator] of sums.spilled()) {
    if (accumulator >= texts.high || !sums.isSpilled(accumulator))
      throw broken(`accumulator ${accumulator} has no sum that spilled`);
    if (pace.isFull(1)) yield;
  }
  const ids = new Set(families.freeIds);
  if (ids.size !== families.freeIds.length) throw broken('a family id is free twice');
  for (const id of ids) if (families.byId[id] !== undefined) throw broken(`family ${id} is free and is not`);
}

/** What the accumulators say, to be held against what else says it. */
interface Counts {
  /** Parts of composite series. */
  grouped: number;
  /** By family id: accumulators, and start times among them. */
  readonly ofFamily: Uint32Array;
  readonly startTimes: Uint32Array;
}

/** Each accumulator is of a kind that its family may have. */
function* verifyAccumulators({ accumulators, families, pace }: State): Generator<void, Counts> {
  const { texts, kind, family, composite, sums } = accumulators;
  const ids = families.byId.length;
  const counts: Counts = { grouped: 0, ofFamily: new Uint32Array(ids), startTimes: new Uint32Array(ids) };
  let live = 0;
  let spilled = 0;
  for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    const is = kind[accumulator]!;
    if (is === AccumulatorKind.FREE) continue;
    live += 1;
    const id = family[accumulator]!;
    const own = families.byId[id];
    if (own === undefined || !fits(is, own.type))
      throw broken(`accumulator ${accumulator} of kind ${is} in family ${id} (${own?.type})`);
    counts.ofFamily[id]! += 1;
    if (is === AccumulatorKind.CREATED) counts.startTimes[id]! += 1;
    if (isGrouped(is)) counts.grouped += 1;
    else if (composite[accumulator] !== -1)
      throw broken(`accumulator ${accumulator} in composite series ${composite[accumulator]}`);
    if (isNative(is) && !own.hasNative) throw broken(`family ${own.name} has native buckets unawares`);
    const total = sums.get(accumulator);
    if (!isValue(is, total) || (takesCounts(is) && total < 0))
      throw broken(`accumulator ${accumulator} of kind ${is} with a total of ${total}`);
    if (sums.isSpilled(accumulator)) spilled += 1;
  }
  if (live !== texts.size) throw broken(`${live} accumulators with ${texts.size} texts`);
  if (spilled !== sums.spilledCount) throw broken(`${sums.spilledCount} of ${spilled} sums that spilled`);
  return counts;
}

/** Each composite series is whole, of one family, and has what says that it is part of it. */
function* verifyComposites(
  { accumulators, families, pace }: State,
  { grouped }: Counts,
): Generator<void, void> {
  const { composites, composite, kind, family, bound } = accumulators;
  let members = 0;
  const free = new Set(accumulators.freeComposites);
  if (free.size !== accumulators.freeComposites.length) throw broken('a composite series is free twice');
  for (const id of free)
    if (!(composites[id] !== undefined && composites[id].count < 0))
      throw broken(`composite series ${id} is free and is not`);
  for (let id = 0; id < composites.length; id += 1) {
    const { count, sum, buckets, native } = composites[id]!;
    if (pace.isFull(COMPOSITE_ROWS + buckets.length + native.length)) yield;
    // It is gone, and its number is free, or about to be; earlier versions used it for no other.
    if (count < 0 || kind[count] === AccumulatorKind.FREE) continue;
    const own = families.get(family[count]!);
    const has = (accumulator: number, part: string): void => {
      if (
        composite[accumulator] !== id ||
        family[accumulator] !== own.id ||
        policyOf(accumulators.kindOf(accumulator)).part !== part
      )
        throw broken(`accumulator ${accumulator} is not the ${part} of composite series ${id}`);
      members += 1;
    };
    has(count, 'count');
    if (sum >= 0) has(sum, 'sum');
    for (const bucket of buckets) has(bucket, 'bucket');
    // Those that are free are taken out of the list later.
    for (const each of native) if (kind[each] !== AccumulatorKind.FREE) has(each, 'native');
    const last = buckets.at(-1);
    const isWhole = hasBuckets(own.type)
      ? last !== undefined && bound[last] === Number.POSITIVE_INFINITY
      : last === undefined;
    if (!isWhole || buckets.some((bucket, i) => i > 0 && !(bound[bucket]! > bound[buckets[i - 1]!]!)))
      throw broken(`the buckets of composite series ${id} are not those of a ${own.type}`);
  }
  if (members !== grouped) throw broken(`${members} of ${grouped} accumulators in composite series`);
}

/** Families count and list what they have. */
function* verifyFamilies(
  { accumulators, families, pace }: State,
  { ofFamily, startTimes }: Counts,
): Generator<void, void> {
  const { texts, kind, family, composites } = accumulators;
  const listed = new Uint8Array(texts.high);
  for (const each of families) {
    const { id, name, accumulatorCount, startTimeRows, sorted, pending } = each;
    if (families.byId[id] !== each) throw broken(`family ${name} has the id of another`);
    if (accumulatorCount !== ofFamily[id] || startTimeRows !== startTimes[id])
      throw broken(
        `family ${name} counts ${accumulatorCount} accumulators and ${startTimeRows} start times, and has ${ofFamily[id]} and ${startTimes[id]}`,
      );
    const areComposites = isDistribution(each.type);
    let rows = 0;
    for (const list of [sorted, pending.between(0, pending.length)]) {
      for (let i = 0; i < list.length; i += 1) {
        if (pace.isFull(1)) yield;
        const accumulator = areComposites ? composites[list[i]!]!.count : list[i]!;
        // Those that are free are taken out of the lists later.
        if (accumulator < 0 || kind[accumulator] === AccumulatorKind.FREE) continue;
        if (family[accumulator] !== id)
          throw broken(`family ${name} lists a row of family ${family[accumulator]}`);
        if (listed[accumulator] === 1) throw broken(`family ${name} lists a row twice`);
        listed[accumulator] = 1;
        rows += 1;
      }
    }
    if (rows !== each.rowCount) throw broken(`family ${name} lists ${rows} of ${each.rowCount} rows`);
  }
}

/** What sources and senders that add contribute to a total that is no sum of it. */
interface Derived {
  /** The total, as it should be, and the order of the newest. */
  total: number;
  order: number;
  values: number;
}

/** Accumulators know by how many sources they are held, and whether by senders that add, and what follows from that. */
function* verifyContributors({ accumulators, sources, pace }: State): Generator<void, void> {
  const { texts, kind, contributors, common, sums } = accumulators;
  const counts = new Uint32Array(texts.high);
  const derived = new Paged<Derived>();
  const own = sources.contributions;
  for (const ring of [Ring.LIVE, Ring.PRUNED]) {
    for (let source = sources.list.newest(ring); source >= 0; source = sources.list.olderThan(source)) {
      own.open(source);
      // In the order of what they are of.
      let orderAt = own.length - orderCount(own, accumulators);
      for (let at = 0; at < own.length; at += 1) {
        if (pace.isFull(1)) yield;
        const accumulator = own.accumulators[own.accumulatorsAt + at]!;
        if (isStart(accumulator)) continue;
        if (!(accumulator < texts.high) || kind[accumulator] === AccumulatorKind.FREE)
          throw broken(`source ${source} contributes to accumulator ${accumulator}, which is free`);
        counts[accumulator]! += 1;
        if (!isDerived(kind[accumulator]!)) continue;
        let order = -1;
        if (isNewest(kind[accumulator]!)) {
          order = own.values[own.valuesAt + orderAt]!;
          if (
            own.accumulators[own.accumulatorsAt + orderAt] !== startOf(accumulator) ||
            !(order <= sources.order)
          )
            throw broken(`source ${source} has no order of accumulator ${accumulator}`);
          orderAt += 1;
        }
        derive(derived, accumulators, { accumulator, value: own.values[own.valuesAt + at]!, order });
      }
      if (orderAt !== own.length) throw broken(`source ${source} has orders of nothing`);
    }
  }
  for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    if (!common.has(accumulator)) continue;
    counts[accumulator]! += 1;
    const order = common.orderOf(accumulator);
    if (order > 0) derive(derived, accumulators, { accumulator, value: common.valueOf(accumulator), order });
  }
  for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    const is = kind[accumulator]!;
    if (is === AccumulatorKind.FREE) continue;
    const [counted, held] = [contributors[accumulator]!, counts[accumulator]!];
    // Of kinds that do not count live sources only, there may have been more.
    if (isCounted(is) ? counted !== held : counted < held)
      throw broken(`accumulator ${accumulator} counts ${counted} contributors and has ${held}`);
    const should = derived.get(accumulator)?.total;
    const total = sums.get(accumulator);
    if (should !== undefined && should !== total && !(Number.isNaN(should) && Number.isNaN(total)))
      throw broken(`accumulator ${accumulator} of kind ${is} has a total of ${total}, not ${should}`);
  }
}

/** Takes a contribution into what a total should be. */
function derive(
  derived: Paged<Derived>,
  accumulators: Accumulators,
  {
    accumulator,
    value,
    order,
  }: { readonly accumulator: number; readonly value: number; readonly order: number },
): void {
  const { ofSources, combine, start } = policyOf(accumulators.kindOf(accumulator));
  const is = derived.get(accumulator) ?? { total: start, order: -1, values: 0 };
  derived.set(accumulator, is);
  is.values += 1;
  if (ofSources === 'number') is.total = is.values;
  else if (ofSources !== 'newest') is.total = combine!(is.total, value) + 0;
  else if (order > is.order) {
    is.order = order;
    is.total = value;
  }
}
