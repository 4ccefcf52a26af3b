/**
 * How expositions show the state. Where what is new to a scraper is shown to it as 0 first, when series were created is noted, and what scrapers have
 * seen.
 */
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { initialExposition } from '../store/exposition-config.ts';
import type { ExpositionConfig } from '../store/exposition-config.ts';
import type { Families } from '../store/families.ts';
import { Scrapers } from '../store/scrapers.ts';

/** Rows that are set to 0 are as much work as this share of others. */
const CLEARED_ROWS = 16;

interface ShownState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly pace: Pace;
}

export class Showing {
  readonly scrapers: Scrapers = new Scrapers();
  readonly #state: ShownState;
  #config: ExpositionConfig = initialExposition;

  constructor(state: ShownState) {
    this.#state = state;
  }

  get config(): ExpositionConfig {
    return this.#config;
  }

  /** To be called for a state that nothing has happened to. */
  restore(config: ExpositionConfig): void {
    this.#config = config;
    this.#state.accumulators.notesCreation = config.zeroFirst;
  }

  /** Shows it otherwise from now on. Nothing is known of what scrapers have seen until then. */
  *setInSteps(config: ExpositionConfig): Generator<void, void> {
    const before = this.#config;
    this.#config = config;
    if (before.zeroFirst === config.zeroFirst) return;
    const { accumulators, families, pace } = this.#state;
    pace.begin();
    accumulators.notesCreation = config.zeroFirst;
    this.scrapers.clear();
    const { createdEpoch } = accumulators;
    const rows = pace.rows * CLEARED_ROWS;
    for (let at = 0; at < createdEpoch.length; at += rows) {
      createdEpoch.fill(0, at, at + rows);
      if (pace.isFull(pace.rows)) yield;
    }
    for (const family of families) {
      family.createdEpoch = 0;
      if (pace.isFull(1)) yield;
    }
  }

  /** A scraper has got a whole exposition. */
  saw(scraper: string, epoch: number): void {
    // Others may have changed that while it was read.
    if (this.#config.zeroFirst) this.scrapers.saw(scraper, epoch);
  }
}
