/** Many patterns at once: which of them match a value is found in one pass over it, so that it hardly matters how many there are. */
import { RE2JS, RE2Set } from 're2js';

/** Compiled together: a few milliseconds. */
const TOGETHER = 32;
/** Of what is remembered of values seen. */
const BYTES_MAX = 1 << 20;

export class PatternSet {
  readonly #sets: readonly RE2Set[];

  private constructor(sets: readonly RE2Set[]) {
    this.#sets = sets;
  }

  /** Of patterns that compile (see Pattern). In steps of a few milliseconds. */
  static *compileInSteps(sources: readonly string[]): Generator<void, PatternSet> {
    const sets: RE2Set[] = [];
    for (let from = 0; from < sources.length; from += TOGETHER) {
      const set = new RE2Set(RE2Set.ANCHOR_BOTH, RE2JS.DOTALL, BYTES_MAX);
      for (const source of sources.slice(from, from + TOGETHER)) set.add(source);
      set.compile();
      sets.push(set);
      yield;
    }
    return new PatternSet(sets);
  }

  /** The places in the list of those that match. */
  matching(value: string): number[] {
    const places: number[] = [];
    for (const [i, set] of this.#sets.entries())
      for (const place of set.match(value)) places.push(i * TOGETHER + place);
    return places;
  }
}
