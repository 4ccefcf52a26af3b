/**
 * What goes with a push that brings more than a limit allows: what it takes away in the same step makes room for what it brings. Only what is
 * sure to go counts. It is looked at when the batch is complete, as that takes as long as what may go is large.
 */
import { isDistribution } from '../model/metric-type.ts';
import type { Batch } from '../store/batch.ts';
import type { Family } from '../store/families.ts';
import type { PushOrigin, State } from '../state/state.ts';
import { sampleBytes } from '../state/usage.ts';
import { AccumulatorKind } from '../store/policies.ts';

export interface Freed {
  readonly series: number;
  /** As `--limit.series-bytes-total` counts them. */
  readonly bytes: number;
  /** Besides those that others take the place of, which a batch says itself. */
  readonly families: ReadonlySet<Family>;
}

export const nothingFreed: Freed = { series: 0, bytes: 0, families: new Set() };

/** How many accumulators may go with a push, at the most; to be asked where a limit is reached. */
export function freedAtMost({ sources }: State, { source, sender, mayFree }: Batch): number {
  const known = sender.byJob && source !== undefined ? sources.list.find(source) : -1;
  if (known < 0) return mayFree;
  // A count takes what nobody has any more of its histogram with it.
  return mayFree + sources.contributions.lengthOf(known) * 2;
}

/** What is sure to go with a push. In steps, between which nobody may change the state. */
export function* freedBy(
  state: State,
  batch: Batch,
  { source, method }: Pick<PushOrigin, 'source' | 'method'>,
): Generator<void, Freed> {
  const { accumulators, families, pace } = state;
  pace.begin();
  const counted = { series: 0, bytes: 0 };
  const count = (accumulator: number): void => {
    counted.series += 1;
    counted.bytes += sampleBytes(accumulators, accumulator);
  };
  for (const family of familiesOfWhichAllGoes(batch)) yield* forEachOf(state, family, count);
  const gone = new Set<Family>();
  if (!batch.sender.byJob) return { ...counted, families: gone };
  const { freed } = yield* state.sources.foresee(source, batch, {
    put: method === 'PUT',
    leaving: idsOfLeaving(batch),
  });
  const left = new Map<Family, number>();
  for (const accumulator of freed) {
    const family = families.get(accumulators.family[accumulator]!);
    left.set(family, (left.get(family) ?? family.accumulatorCount) - 1);
    count(accumulator);
    if (pace.isFull(1)) yield;
  }
  for (const [family, stays] of left) if (stays === 0) gone.add(family);
  for (const index of batch.pendingSeries.family.subarray(0, batch.pendingSeries.length)) {
    const { known } = batch.families[index]!;
    if (known !== undefined) gone.delete(known);
    if (pace.isFull(1)) yield;
  }
  return { ...counted, families: gone };
}

/** Ids of families of which sources have nothing any more after a push. */
export function idsOfLeaving(batch: Batch): ReadonlySet<number> {
  return new Set(Array.from(familiesOfWhichAllGoes(batch), ({ id }) => id));
}

/** Families that go if the push is taken, and untyped series that cannot be what they are declared to be. Of others some may go on elsewhere. */
function* familiesOfWhichAllGoes({ leaving, families }: Batch): Generator<Family> {
  const going = new Set(leaving.map(({ family }) => family));
  // What is declared without samples takes no place, and several may take that of one.
  for (const { known, sampled, replaces } of families)
    if (known !== undefined || sampled)
      for (const replaced of replaces) if (going.delete(replaced)) yield replaced;
  for (const { known, type, changed } of families)
    if (known?.type === 'untyped' && changed && isDistribution(type)) yield known;
}

function* forEachOf(
  { accumulators, pace }: State,
  { type, sorted, pending }: Family,
  use: (accumulator: number) => void,
): Generator<void, void> {
  const areComposites = isDistribution(type);
  for (const list of [sorted, pending.between(0, pending.length)]) {
    for (const row of list) {
      const isFree = !areComposites && accumulators.kind[row] === AccumulatorKind.FREE;
      const members = areComposites ? accumulators.membersOf(row) : isFree ? [] : [row];
      for (const accumulator of members) use(accumulator);
      if (pace.isFull(members.length + 2)) yield;
    }
  }
}
