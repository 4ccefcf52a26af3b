/**
 * What becomes of sources that are silent for long: first their gauges go, as they say how things were, and then they are forgotten. Which these
 * are is told by a time, or by their keys.
 */
import type { SourceChanges } from './source-changes.ts';
import { Ring } from './source-list.ts';
import type { SourceList } from './source-list.ts';

/** By their keys. */
export interface NamedSources {
  readonly pruned: readonly string[];
  readonly forgotten: readonly string[];
}

type Picks = (accumulator: number) => boolean;

/** How contributions go; see Sources. */
interface Verbs {
  filter(
    source: number,
    stays: Picks,
    onGone: (accumulator: number, value: number) => void,
  ): Generator<void, number>;
  retire(source: number, goes: Picks): Generator<void, void>;
}

export class SilentSources {
  readonly #list: SourceList;
  readonly #changes: SourceChanges;
  readonly #verbs: Verbs;

  constructor(list: SourceList, changes: SourceChanges, verbs: Verbs) {
    this.#list = list;
    this.#changes = changes;
    this.#verbs = verbs;
  }

  /** Resets the gauges of sources silent since `beforeMs`, at most `most` of them; returns how many. */
  *prune(beforeMs: number, most: number): Generator<void, number> {
    for (let done = 0; done < most; done += 1) {
      const source = this.#list.oldest(Ring.LIVE);
      if (source < 0 || this.#list.lastPushMs(source) >= beforeMs) return done;
      yield* this.#prune(source);
    }
    return most;
  }

  *#prune(source: number): Generator<void, void> {
    yield* this.#verbs.filter(
      source,
      (accumulator) => !this.#changes.isReset(accumulator),
      (accumulator, value) => this.#changes.withdraw(accumulator, value),
    );
    this.#list.prune(source);
  }

  /** Folds sources silent since `beforeMs` into the totals and forgets them, at most `most`; returns how many. */
  *forget(beforeMs: number, most: number): Generator<void, number> {
    let done = 0;
    for (const ring of [Ring.PRUNED, Ring.LIVE]) {
      for (; done < most; done += 1) {
        const source = this.#list.oldest(ring);
        if (source < 0 || this.#list.lastPushMs(source) >= beforeMs) break;
        yield* this.#forget(source);
      }
    }
    return done;
  }

  *#forget(source: number): Generator<void, void> {
    const { areGroups } = this.#changes;
    if (areGroups) this.#changes.begin(this.#list.keyOf(source));
    yield* this.#verbs.retire(source, (accumulator) =>
      areGroups ? this.#changes.goes(accumulator) : this.#changes.isGauge(accumulator),
    );
  }

  /** Both for sources that are named, as far as they are there. */
  *expireNamed({ pruned, forgotten }: NamedSources): Generator<void, void> {
    for (const key of forgotten) {
      const source = this.#list.find(key);
      if (source >= 0) yield* this.#forget(source);
    }
    for (const key of pruned) {
      const source = this.#list.find(key);
      if (source >= 0 && this.#list.ringOf(source) === Ring.LIVE) yield* this.#prune(source);
    }
  }

  /** When the oldest live source, or the oldest of all, last pushed; undefined when there is none. */
  oldestPushMs(which: 'live' | 'all'): number | undefined {
    const live = this.#list.oldest(Ring.LIVE);
    const pruned = which === 'all' ? this.#list.oldest(Ring.PRUNED) : -1;
    if (live < 0 && pruned < 0) return undefined;
    return Math.min(
      live < 0 ? Infinity : this.#list.lastPushMs(live),
      pruned < 0 ? Infinity : this.#list.lastPushMs(pruned),
    );
  }
}
