/** Who scrapes, how often and how much; those that have not for longest are forgotten first. */
import { flatText } from '../../primitives/flat-text.ts';
import { shorten } from '../../primitives/quote.ts';
import type { ScrapeNote, ShownScraper } from '../insight-api.ts';

const SCRAPERS_MAX = 64;
/** How much the newest interval counts. */
const NEWEST = 0.3;

export class ScraperNotes {
  readonly #known = new Map<string, ShownScraper>();

  note({ target, address, userAgent, bytes, format, seconds }: ScrapeNote, time: number): void {
    const agent = flatText(shorten(userAgent));
    const key = JSON.stringify([target, address, agent]);
    const before = this.#known.get(key);
    const since = before === undefined ? undefined : time - before.last;
    const known = before?.intervalSeconds ?? since;
    const intervalSeconds =
      since === undefined || known === undefined || known === null ? null : known + (since - known) * NEWEST;
    this.#known.delete(key);
    this.#known.set(key, {
      address: address === undefined ? null : flatText(address),
      userAgent: agent,
      target,
      last: time,
      intervalSeconds,
      bytes,
      format,
      seconds,
      scrapes: (before?.scrapes ?? 0) + 1,
    });
    if (this.#known.size <= SCRAPERS_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  /** Who scraped last first. */
  list(): readonly ShownScraper[] {
    return [...this.#known.values()].reverse();
  }
}
