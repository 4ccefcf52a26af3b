/**
 * Families that a push replaces by ones of another type, or whose names it takes. In by-job mode they may go when nobody has them any
 * more: no other source, and no total of sources that are gone. A PUT replaces what its own source has.
 */
import { isDistribution } from '../model/metric-type.ts';
import type { Batch, Standing } from '../store/batch.ts';
import type { Family } from '../store/families.ts';
import type { PushOrigin, State } from '../state/state.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** What the source itself has, by accumulator. */
type Own = ReadonlyMap<number, number>;

/**
 * Throws a PushProblem for the first of them that may not go. In steps, between which nobody may push; see disturbs.ts.
 */
export function* checkLeaving(
  state: State,
  { leaving, sender }: Batch,
  origin: Pick<PushOrigin, 'source' | 'method'>,
): Generator<void, void> {
  if (leaving.length === 0) return;
  state.pace.begin();
  const families = new Set(leaving.map(({ family }) => family.id));
  const own = sender.byJob ? yield* ownOf(state, families, origin) : new Map<number, number>();
  for (const { family, refusal } of leaving) {
    const standing = yield* standingOf(state, family, own);
    if (standing !== undefined) throw refusal(standing);
  }
}

function* ownOf(
  { sources, accumulators, pace }: State,
  families: ReadonlySet<number>,
  { source, method }: Pick<PushOrigin, 'source' | 'method'>,
): Generator<void, Own> {
  const own = new Map<number, number>();
  const known = sources.list.find(source);
  if (method !== 'PUT' || known < 0) return own;
  const { contributions } = sources;
  const length = contributions.lengthOf(known);
  for (let at = 0; at < length; at += 1) {
    // Others may be opened in between.
    contributions.open(known);
    const accumulator = contributions.accumulators[contributions.accumulatorsAt + at]!;
    if (families.has(accumulators.family[accumulator]!))
      own.set(accumulator, contributions.values[contributions.valuesAt + at]!);
    if (pace.isFull(1)) yield;
  }
  return own;
}

function* standingOf(
  { accumulators, pace }: State,
  family: Family,
  own: Own,
): Generator<void, Standing | undefined> {
  const areComposites = isDistribution(family.type);
  for (const list of [family.sorted, family.pending.between(0, family.pending.length)]) {
    for (const row of list) {
      if (pace.isFull(2)) yield;
      // Whoever has a bucket has the count as well.
      const { count, sum } = areComposites ? accumulators.composites[row]! : { count: row, sum: -1 };
      for (const accumulator of [count, sum]) {
        if (accumulator < 0 || accumulators.kind[accumulator] === AccumulatorKind.FREE) continue;
        const mine = own.get(accumulator);
        if (accumulators.contributors[accumulator]! > (mine === undefined ? 0 : 1)) return 'held';
        if (!accumulators.sums.isExactly(accumulator, mine ?? 0)) return 'folded';
      }
    }
  }
  return undefined;
}
