/** Makes what a batch brings real: accumulators, the groups they complete, and their rows. */
import type { Writable } from '../primitives/writable.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators, AccumulatorShape, TextAt } from '../store/accumulators.ts';
import { mightStandForOthers } from '../store/overflow-series.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import { rowsOfText } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import { AccumulatorKind, isNative, isValue, policyOf } from '../store/policies.ts';

/** Creating an accumulator is as much work as so many rows of others, and so is looking for a few bytes in so many. */
const CREATED_ROWS = 2;
const LOOKED_THROUGH_BYTES = 1024;

/**
 * Creates the accumulators that get a number, and those that complete a group; the others are -1 in the result, which is by the
 * number of the pending series. Accumulators come in the order of the body, so that the next push of the same series finds each
 * after its predecessor.
 */
export function* createNeeded(
  batch: Batch,
  accumulators: Accumulators,
  { startMs, pace }: { readonly startMs: number; readonly pace: Pace },
): Generator<void, Int32Array> {
  const { pendingSeries, pendingComposites, owner: of } = batch;
  const { owners } = accumulators;
  const owner = of === undefined ? 0 : owners.numberOf(of);
  yield* accumulators.reserveInSteps(pendingSeries.length, pace);
  const created = new Int32Array(pendingSeries.length).fill(-1);
  let mayOverflow = false;
  for (const part of pendingSeries.texts.parts()) {
    mayOverflow = mightStandForOthers(part);
    if (mayOverflow) break;
    if (pace.isFull(part.length / LOOKED_THROUGH_BYTES)) yield;
  }
  const creation: Creation = {
    batch,
    mayOverflow,
    accumulators,
    composites: [],
    widened: new Map(),
    native: new Map(),
    text: { view: new DataView(new ArrayBuffer(0)), start: 0, end: 0, hash: 0 },
    shape: { kind: AccumulatorKind.FREE, family: 0, composite: -1, bound: Number.NaN, startMs },
    owner,
    copied: 0,
  };
  for (const { family } of pendingComposites) {
    const known = batch.families[family]!.known!;
    const composite = accumulators.createComposite();
    creation.composites.push(composite);
    known.pending.push(composite);
    known.rowCount += 1;
    known.createdEpoch = accumulators.shownEpoch;
    if (pace.isFull(1)) yield;
  }
  const create = (index: number): void => {
    if (created[index] === -1) created[index] = createAccumulator(creation, index);
  };
  for (let i = 0; i < batch.length; i += 1) {
    const accumulator = batch.accumulators[i]!;
    if (accumulator >= 0 || !isValue(pendingSeries.kind[~accumulator]!, batch.values[i]!)) continue;
    create(~accumulator);
    if (
      pace.isFull(
        CREATED_ROWS + rowsOfText(pendingSeries.texts.lengthOf(~accumulator)) + copiedRows(creation),
      )
    )
      yield;
  }
  for (const { count, infinity } of pendingComposites) {
    create(count);
    if (infinity >= 0) create(infinity);
    if (pace.isFull((CREATED_ROWS + rowsOfText(pendingSeries.texts.lengthOf(count))) * 2)) yield;
  }
  yield* settleComposites(creation, pace);
  owners.settle(owner);
  return created;
}

/** Gives groups their new lists, and buckets their order. */
function* settleComposites(
  { accumulators, composites: created, widened, native }: Creation,
  pace: Pace,
): Generator<void, void> {
  const { bound, composites } = accumulators;
  const byBound = (a: number, b: number): number => (bound[a]! < bound[b]! ? -1 : 1);
  for (const composite of created) {
    const { buckets } = composites[composite]!;
    if (buckets.length > 1) composites[composite]!.buckets = buckets.toSorted(byBound);
    if (pace.isFull(1 + buckets.length)) yield;
  }
  for (const [composite, buckets] of widened) {
    composites[composite]!.buckets = buckets.sort(byBound);
    if (pace.isFull(buckets.length)) yield;
  }
  for (const [composite, accumulatorsOf] of native) {
    composites[composite]!.native = accumulatorsOf;
    if (pace.isFull(1)) yield;
  }
}

/** Puts the numbers of accumulators that were fresh in their place in a batch. */
export function* nameCreated(batch: Batch, created: Int32Array, pace: Pace): Generator<void, void> {
  // Samples of nothing at all (a gauge first heard of as NaN) have no accumulator; the gaps they leave are closed.
  let kept = 0;
  for (let i = 0; i < batch.length; i += 1) {
    if (pace.isFull(1)) yield;
    const named = batch.accumulators[i]!;
    const accumulator = named < 0 ? created[~named]! : named;
    if (accumulator < 0) continue;
    batch.accumulators[kept] = accumulator;
    batch.values[kept] = batch.values[i]!;
    kept += 1;
  }
  batch.length = kept;
  for (const alias of batch.aliases) {
    if (pace.isFull(1)) yield;
    if ('target' in alias && alias.target < 0) alias.target = created[~alias.target]!;
  }
  yield* nameDetails(batch.starts, created, pace);
  yield* nameDetails(batch.began, created, pace);
  yield* nameDetails(batch.exemplars, created, pace);
}

/** Those of accumulators that were not needed go. */
function* nameDetails(
  details: { accumulator: number }[],
  created: Int32Array,
  pace: Pace,
): Generator<void, void> {
  let kept = 0;
  for (const detail of details) {
    if (pace.isFull(1)) yield;
    if (detail.accumulator < 0) detail.accumulator = created[~detail.accumulator]!;
    if (detail.accumulator < 0) continue;
    details[kept] = detail;
    kept += 1;
  }
  details.length = kept;
}

interface Creation {
  readonly batch: Batch;
  readonly accumulators: Accumulators;
  /** Numbers in the state of the batch's composite series. */
  readonly composites: number[];
  /** New lists of buckets, by group; of groups that were there before. */
  readonly widened: Map<number, number[]>;
  /** The same of native accumulators. */
  readonly native: Map<number, number[]>;
  /** Filled anew for each accumulator. */
  readonly text: Writable<TextAt>;
  readonly shape: Writable<AccumulatorShape>;
  /** See Owners.numberOf. */
  readonly owner: number;
  /** Whether some of what comes may stand for other series. */
  readonly mayOverflow: boolean;
  /** Buckets of lists that were copied since this was last asked for. */
  copied: number;
}

/** To copy a bucket and put it in order again is as much work as this share of a row. */
const COPIED_BUCKETS = 4;

function copiedRows(creation: Creation): number {
  const rows = creation.copied / COPIED_BUCKETS;
  creation.copied = 0;
  return rows;
}

function createAccumulator(creation: Creation, index: number): number {
  const { batch, accumulators, composites } = creation;
  const { pendingSeries } = batch;
  const { texts } = pendingSeries;
  const family = batch.families[pendingSeries.family[index]!]!.known!;
  const pendingKind = pendingSeries.kind[index] as AccumulatorKind;
  const isEarlierStart =
    !batch.judgesStartTimes && family.allStartTimes && pendingKind === AccumulatorKind.GAUGE;
  const kind = isEarlierStart ? AccumulatorKind.CREATED : pendingKind;
  const pendingComposite = pendingSeries.composite[index]!;
  const isOfNew = pendingComposite < 0;
  const composite =
    pendingComposite === NO_COMPOSITE ? -1 : isOfNew ? composites[~pendingComposite]! : pendingComposite;
  const { text, shape } = creation;
  text.view = texts.viewOf(index);
  text.start = texts.offsetOf(index);
  text.end = text.start + texts.lengthOf(index);
  text.hash = texts.hashOf(index);
  shape.kind = kind;
  shape.family = family.id;
  shape.composite = composite;
  shape.bound = pendingSeries.bound[index]!;
  const accumulator = accumulators.create(text, shape);
  accumulators.owners.give(accumulator, creation.owner);
  if (creation.mayOverflow) accumulators.overflow.note(accumulator, accumulators);
  family.accumulatorCount += 1;
  if (composite === -1) {
    family.rowCount += 1;
    if (kind === AccumulatorKind.CREATED) family.startTimeRows += 1;
    family.createdEpoch = accumulators.shownEpoch;
    family.pending.push(accumulator);
  } else {
    family.hasNative ||= isNative(kind);
    joinComposite(creation, accumulator, { id: composite, isNew: isOfNew }, kind);
  }
  return accumulator;
}

function joinComposite(
  creation: Creation,
  accumulator: number,
  { id, isNew }: { readonly id: number; readonly isNew: boolean },
  kind: AccumulatorKind,
): void {
  const composite = creation.accumulators.composites[id]!;
  const { part } = policyOf(kind);
  if (part === 'sum') composite.sum = accumulator;
  else if (part === 'count') composite.count = accumulator;
  else {
    const known = (part === 'native' ? composite.native : composite.buckets) as number[];
    if (isNew) {
      // Nobody has seen the lists of a new group yet.
      known.push(accumulator);
      return;
    }
    const lists = part === 'native' ? creation.native : creation.widened;
    const list = lists.get(id);
    if (list === undefined) {
      lists.set(id, [...known, accumulator]);
      creation.copied += known.length;
    } else list.push(accumulator);
  }
}
