/**
 * What each scraper saw last, for `--scrape.zero-first`. A scraper that is not known yet is shown all as it is, since it may have seen
 * it before, from another address or before a restart: a zero then would look like a reset.
 */

/** The one that has not scraped for longest is forgotten first. */
const SCRAPERS_MAX = 64;

export class Scrapers {
  readonly #seen = new Map<string, number>();

  /** The tick of the last whole page that a scraper got; undefined for none. */
  lastGeneration(scraper: string): number | undefined {
    return this.#seen.get(scraper);
  }

  /** Call when a scraper got a whole page, with the tick at which its view was opened. */
  saw(scraper: string, generation: number): void {
    const before = this.#seen.get(scraper) ?? 0;
    this.#seen.delete(scraper);
    this.#seen.set(scraper, Math.max(before, generation));
    if (this.#seen.size <= SCRAPERS_MAX) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}
