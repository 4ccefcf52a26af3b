/**
 * In by-job mode: totals that are no sum of what sources contribute, but the largest or smallest number, the newest, or how many there are.
 *
 * The number that is shown is the total itself. All others are kept in order beside it, so that the next one is found when it goes:
 *
 *   total     9      and the rank of the newest
 *   others    [ 2 4 4 7 ]                              nothing where one source has the series, as is usual
 *
 * The rank of a number is itself, or what it is below zero where the smallest is shown. That of the newest is its order: the number of the
 * push that brought it.
 */
import type { Accumulators } from '../store/accumulators.ts';
import { isNewest, isRanked, policyOf } from '../store/policies.ts';
import { commonNumberBytes } from '../store/common-part.ts';
import { Paged } from '../primitives/paged.ts';
import { Ranking } from '../primitives/ranking.ts';

/** Bytes of what is kept in order for a series, and of each number in it, which lies in chunks that are half full. */
const RANKING_BYTES = 256;
const RANKED_BYTES = 32;
/** And of the order of the newest. */
const NEWEST_BYTES = 16;
/** What one more contribution can take, at the most. */
export const derivedBytesMax: number = RANKING_BYTES + RANKED_BYTES + NEWEST_BYTES;
/** The same of one of senders that add. */
export const commonBytesMax: number = derivedBytesMax + commonNumberBytes;

export class DerivedTotals {
  readonly #accumulators: Accumulators;
  /** By accumulator, where more than one source has it. */
  readonly #others = new Paged<Ranking>();
  readonly #newest = new Paged<number>();
  #ranked = 0;

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators;
  }

  /** They follow from what is held alone. */
  get bytes(): number {
    return this.#others.size * RANKING_BYTES + this.#ranked * RANKED_BYTES + this.#newest.size * NEWEST_BYTES;
  }

  /** One source more contributes, which is among the contributors already. `order` is that of the push. */
  gain(accumulator: number, value: number, order: number): void {
    const kind = this.#accumulators.kindOf(accumulator);
    if (!isRanked(kind)) {
      this.#accumulators.add(accumulator, 1);
      return;
    }
    const rank = this.#rankOf(accumulator, value, order);
    if (this.#accumulators.contributors[accumulator] === 1) this.#show(accumulator, value, rank);
    else this.#compete(accumulator, value, rank);
  }

  /** A source contributes another number than before. Not for the newest. */
  exchange(accumulator: number, before: number, value: number): void {
    if (isRanked(this.#accumulators.kindOf(accumulator)))
      this.#move(accumulator, this.#rankOf(accumulator, before, 0), value, 0);
    else this.#accumulators.noteChange(this.#accumulators.family[accumulator]!);
  }

  /** A source contributes the newest number, in the place of one of an earlier order. */
  renew(accumulator: number, orderBefore: number, value: number, order: number): void {
    this.#move(accumulator, orderBefore, value, order);
  }

  /** A source contributes no more, which is not among the contributors any more. Not for the newest. */
  lose(accumulator: number, value: number): void {
    if (isRanked(this.#accumulators.kindOf(accumulator)))
      this.#take(accumulator, this.#rankOf(accumulator, value, 0));
    else this.#accumulators.add(accumulator, -1);
  }

  /** The same for the newest. */
  loseNewest(accumulator: number, order: number): void {
    this.#take(accumulator, order);
  }

  /** To be called when all that sources contribute is forgotten at once. */
  drop(accumulator: number): void {
    this.#setOthers(accumulator, undefined);
    this.#newest.delete(accumulator);
  }

  #move(accumulator: number, rankBefore: number, value: number, order: number): void {
    const rank = this.#rankOf(accumulator, value, order);
    const others = this.#others.get(accumulator);
    if (others === undefined) return this.#show(accumulator, value, rank);
    if (rankBefore === this.#rankShown(accumulator)) {
      if (rank >= others.highest) return this.#show(accumulator, value, rank);
      this.#show(accumulator, others.highestValue, others.highest);
      others.removeHighest();
      others.add(rank, value);
      return;
    }
    others.remove(rankBefore);
    this.#ranked -= 1;
    this.#compete(accumulator, value, rank);
  }

  /** A number comes to at least one other. */
  #compete(accumulator: number, value: number, rank: number): void {
    const shown = this.#rankShown(accumulator);
    const isShown = rank > shown;
    const others = this.#others.get(accumulator) ?? this.#newRanking(accumulator);
    this.#ranked += 1;
    if (!isShown) others.add(rank, value);
    else {
      others.add(shown, this.#accumulators.sums.get(accumulator));
      this.#show(accumulator, value, rank);
    }
  }

  #take(accumulator: number, rank: number): void {
    const others = this.#others.get(accumulator);
    if (others === undefined) return this.drop(accumulator);
    if (rank === this.#rankShown(accumulator)) {
      this.#show(accumulator, others.highestValue, others.highest);
      others.removeHighest();
    } else others.remove(rank);
    this.#ranked -= 1;
    if (others.length === 0) this.#setOthers(accumulator, undefined);
  }

  #show(accumulator: number, value: number, rank: number): void {
    const { ofSources } = policyOf(this.#accumulators.kindOf(accumulator));
    if (ofSources === 'newest') this.#newest.set(accumulator, rank);
    // Others are kept by their ranks alone.
    this.#accumulators.show(
      accumulator,
      ofSources === 'newest' ? value : ofSources === 'smallest' ? 0 - rank : rank,
    );
  }

  /** Zero is not below zero, and a number that is both is the same whoever comes first. */
  #rankOf(accumulator: number, value: number, order: number): number {
    const { ofSources } = policyOf(this.#accumulators.kindOf(accumulator));
    if (ofSources === 'newest') return order;
    return ofSources === 'smallest' ? 0 - value : value + 0;
  }

  #rankShown(accumulator: number): number {
    return (
      this.#newest.get(accumulator) ?? this.#rankOf(accumulator, this.#accumulators.sums.get(accumulator), 0)
    );
  }

  #newRanking(accumulator: number): Ranking {
    const ranking = new Ranking({ hasValues: isNewest(this.#accumulators.kindOf(accumulator)) });
    this.#setOthers(accumulator, ranking);
    return ranking;
  }

  #setOthers(accumulator: number, ranking: Ranking | undefined): void {
    if (ranking === undefined) {
      this.#ranked -= this.#others.get(accumulator)?.length ?? 0;
      this.#others.delete(accumulator);
    } else this.#others.set(accumulator, ranking);
  }
}
