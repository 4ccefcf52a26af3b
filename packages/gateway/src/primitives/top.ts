import { Ranking } from './ranking.ts';

/** Ranks hold a value and a place: values up to 2^33 are told apart exactly, and of equal ones so many places. */
const PLACES = 2 ** 20;

const STEP_PLACES = 1024;

/** The largest of many values, each at a place. Of equal ones those at lower places go first. */
export class Top {
  readonly #ranking = new Ranking({ hasValues: true });
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  offer(place: number, value: number): void {
    const ranking = this.#ranking;
    const rank = Math.min(place, PLACES - 1) - value * PLACES;
    if (ranking.length === this.#max && rank >= ranking.highest) return;
    ranking.add(rank, place);
    if (ranking.length > this.#max) ranking.removeHighest();
  }

  /** Their places, the one of the largest first, in steps; nothing is left. */
  *take(): Generator<void, readonly number[]> {
    const ranking = this.#ranking;
    const places: number[] = [];
    for (; ranking.length > 0; ranking.removeHighest()) {
      places.push(ranking.highestValue);
      if (places.length % STEP_PLACES === 0) yield;
    }
    return places.reverse();
  }
}
