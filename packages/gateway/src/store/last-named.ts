/**
 * When each series was last named by a push, where it may expire: by the accumulator that names it, in pages that are there only where there
 * is something. Without rules that have series expire there is none of this.
 *
 * Beside the time stands which ttl the series has, once somebody has asked: it follows from the rules, so it is neither kept nor compared.
 */
import type { TtlRules } from './ttl-rules.ts';

const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
/** The ttl of a series is not known yet. */
const UNKNOWN = 0;
/** There is room for so many different ones; others are asked for again each time. */
const TTLS_MAX = 1 << 16;

interface Page {
  /** 0 where there is no series, or it cannot expire. */
  timesMs: Float64Array;
  /** Places in the list of all ttls. */
  readonly ttls: Uint16Array;
  size: number;
  /** A snapshot reads the times: a copy takes their place before they are written to. */
  isFrozen: boolean;
}

/** The times of a page at one point in time. */
export interface FrozenTimes {
  readonly from: number;
  readonly timesMs: Float64Array;
}

export class LastNamed {
  /** How many series have a time. */
  size = 0;
  readonly #pages: (Page | undefined)[] = [];
  #rules: TtlRules;
  #ttls: number[] = [0];
  readonly #placeOfTtl = new Map<number, number>();

  constructor(rules: TtlRules) {
    this.#rules = rules;
  }

  get rules(): TtlRules {
    return this.#rules;
  }

  /** Has series expire by other rules. */
  follow(rules: TtlRules): void {
    this.#rules = rules;
    this.#ttls = [0];
    this.#placeOfTtl.clear();
    for (const page of this.#pages) page?.ttls.fill(UNKNOWN);
  }

  /** All accumulators that have a time are smaller. */
  get end(): number {
    return this.#pages.length * PAGE_ROWS;
  }

  /** The first accumulator from here on that may have a time. */
  nextFrom(accumulator: number): number {
    let page = accumulator >>> PAGE_BITS;
    if (this.#pages[page] !== undefined) return accumulator;
    while (page < this.#pages.length && this.#pages[page] === undefined) page += 1;
    return page * PAGE_ROWS;
  }

  /** 0 where there is none. */
  timeMsOf(accumulator: number): number {
    return this.#pages[accumulator >>> PAGE_BITS]?.timesMs[accumulator & (PAGE_ROWS - 1)] ?? 0;
  }

  set(accumulator: number, timeMs: number): void {
    const page = this.#pageToWrite(accumulator >>> PAGE_BITS);
    const row = accumulator & (PAGE_ROWS - 1);
    if (page.timesMs[row] === 0) {
      page.size += 1;
      this.size += 1;
    }
    page.timesMs[row] = timeMs;
  }

  /** To be called when the number of an accumulator is to be used for something else. */
  delete(accumulator: number): void {
    const index = accumulator >>> PAGE_BITS;
    const row = accumulator & (PAGE_ROWS - 1);
    if ((this.#pages[index]?.timesMs[row] ?? 0) === 0) return;
    const page = this.#pageToWrite(index);
    page.timesMs[row] = 0;
    page.ttls[row] = UNKNOWN;
    page.size -= 1;
    this.size -= 1;
    if (page.size === 0) this.#pages[index] = undefined;
  }

  /** The ttl of a series that has a time, where it was noted. */
  knownTtlMs(accumulator: number): number | undefined {
    const place = this.#pages[accumulator >>> PAGE_BITS]!.ttls[accumulator & (PAGE_ROWS - 1)]!;
    return place === UNKNOWN ? undefined : this.#ttls[place];
  }

  noteTtl(accumulator: number, ttlMs: number): void {
    let place = this.#placeOfTtl.get(ttlMs);
    if (place === undefined) {
      if (this.#ttls.length === TTLS_MAX) return;
      place = this.#ttls.length;
      this.#ttls.push(ttlMs);
      this.#placeOfTtl.set(ttlMs, place);
    }
    this.#pages[accumulator >>> PAGE_BITS]!.ttls[accumulator & (PAGE_ROWS - 1)] = place;
  }

  /** All times as they are now, to be read while they go on changing; call `thaw` when they have been read. */
  freeze(): readonly FrozenTimes[] {
    const frozen: FrozenTimes[] = [];
    for (const [index, page] of this.#pages.entries()) {
      if (page === undefined) continue;
      page.isFrozen = true;
      frozen.push({ from: index * PAGE_ROWS, timesMs: page.timesMs });
    }
    return frozen;
  }

  thaw(): void {
    for (const page of this.#pages) if (page !== undefined) page.isFrozen = false;
  }

  #pageToWrite(index: number): Page {
    const page = this.#pages[index];
    if (page === undefined) {
      while (this.#pages.length < index) this.#pages.push(undefined);
      return (this.#pages[index] = {
        timesMs: new Float64Array(PAGE_ROWS),
        ttls: new Uint16Array(PAGE_ROWS),
        size: 0,
        isFrozen: false,
      });
    }
    if (page.isFrozen) {
      page.timesMs = page.timesMs.slice();
      page.isFrozen = false;
    }
    return page;
  }
}
