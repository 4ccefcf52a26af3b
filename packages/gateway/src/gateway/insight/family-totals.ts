/** What a family comes to at one moment, in steps: the sum of its series, or what its gauges show together. */
import { isDistribution } from '../../model/metric-type.ts';
import type { State } from '../../state/state.ts';
import type { Family } from '../../store/families.ts';
import { AccumulatorKind, isAverage } from '../../store/policies.ts';

/** Numbers looked at in one step. */
const STEP_NUMBERS = 4096;

export interface FamilyTotal {
  /** Of histograms and summaries the count. NaN where there is nothing. */
  readonly total: number;
  /** Observations by the upper bound of their bucket, not cumulative. */
  readonly byBound: ReadonlyMap<number, number> | undefined;
}

/** The state may be another after each step. */
export function* totalOf(
  state: State,
  family: Family,
  { buckets }: { readonly buckets: boolean },
): Generator<void, FamilyTotal> {
  const { accumulators } = state;
  const { id, type, sorted, pending } = family;
  const lists = [sorted, pending.between(0, pending.length)];
  if (isDistribution(type)) return yield* totalOfComposites(state, family, { lists, buckets });
  const combined = new Combined();
  let looked = 0;
  for (const rows of lists)
    for (const accumulator of rows) {
      looked += 1;
      if (looked % STEP_NUMBERS === 0) yield;
      const kind = accumulators.kindOf(accumulator);
      // It may have gone meanwhile, and its number be another's.
      if (kind === AccumulatorKind.FREE || accumulators.family[accumulator] !== id) continue;
      if (kind === AccumulatorKind.CREATED) continue;
      combined.add(
        kind,
        isAverage(kind) ? accumulators.averageOf(accumulator) : accumulators.sums.get(accumulator),
      );
    }
  return { total: combined.total, byBound: undefined };
}

/** Series of a family may be of different kinds: the first says how they come together. */
class Combined {
  #kind: AccumulatorKind | undefined;
  #total = Number.NaN;
  #count = 0;

  get total(): number {
    return this.#kind !== undefined && isAverage(this.#kind) ? this.#total / this.#count : this.#total;
  }

  add(kind: AccumulatorKind, value: number): void {
    if (Number.isNaN(value)) return;
    this.#kind ??= kind;
    this.#count += 1;
    if (this.#count === 1) this.#total = value;
    else if (this.#kind === AccumulatorKind.MAXIMUM) this.#total = Math.max(this.#total, value);
    else if (this.#kind === AccumulatorKind.MINIMUM) this.#total = Math.min(this.#total, value);
    else this.#total += value;
  }
}

function* totalOfComposites(
  { accumulators }: State,
  { id }: Family,
  { lists, buckets: wanted }: { readonly lists: readonly Uint32Array[]; readonly buckets: boolean },
): Generator<void, FamilyTotal> {
  const { composites, sums, bound } = accumulators;
  const byBound = wanted ? new Map<number, number>() : undefined;
  let total = Number.NaN;
  let looked = 0;
  for (const rows of lists)
    for (const composite of rows) {
      const { count = -1, buckets = [] } = composites[composite] ?? {};
      const before = looked;
      looked += 1 + buckets.length;
      if (Math.floor(before / STEP_NUMBERS) !== Math.floor(looked / STEP_NUMBERS)) yield;
      if (
        count < 0 ||
        accumulators.kindOf(count) === AccumulatorKind.FREE ||
        accumulators.family[count] !== id
      )
        continue;
      let own = buckets.length === 0 ? sums.get(count) : 0;
      for (const bucket of buckets) {
        if (accumulators.kindOf(bucket) === AccumulatorKind.FREE) continue;
        const observations = sums.get(bucket);
        own += observations;
        const upper = bound[bucket]!;
        byBound?.set(upper, (byBound.get(upper) ?? 0) + observations);
      }
      total = Number.isNaN(total) ? own : total + own;
    }
  return { total, byBound };
}
