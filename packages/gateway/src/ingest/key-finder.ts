/**
 * Finds what keys lead to: series keys that are no text (see SeriesKeyBytes). They share the table of text, of which
 * none begins as they do; what was learnt from one push are entries in a row.
 */
import { UNKNOWN } from '../model/known-series.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind } from '../store/policies.ts';

export class KeyFinder {
  readonly #state: State;
  /** The reference of the series key after the last one found. */
  #next = 0;

  constructor(state: State) {
    this.#state = state;
  }

  begin(): void {
    this.#next = 0;
  }

  /** Whether it is the entry after the last one found; else UNKNOWN. */
  guess(head: DataView, headEnd: number, view: DataView, start: number, end: number): number {
    const reference = this.#next;
    const { text: seriesCache } = this.#state.seriesCache;
    if (!seriesCache.isInTwo(reference, head, headEnd, view, start, end)) return UNKNOWN;
    return this.#targetOf(reference);
  }

  find(view: DataView, start: number, end: number, hash: number): number {
    const reference = this.#state.seriesCache.text.find(view, start, end, hash);
    return reference < 0 ? UNKNOWN : this.#targetOf(reference);
  }

  #targetOf(reference: number): number {
    const { accumulators, seriesCache } = this.#state;
    const target = seriesCache.text.targetOf(reference);
    this.#next = seriesCache.text.used(reference);
    return target >= 0 && accumulators.kind[target] === AccumulatorKind.FREE ? UNKNOWN : target;
  }
}
