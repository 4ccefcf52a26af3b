/**
 * What each scraper saw last, for `--scrape.zero-first`. A scraper that is not known yet is shown all as it is, since it may have seen
 * it before, from another address: a zero then would look like a reset. That it saw an exposition is a record, so that this is so after a restart as well.
 */
import { createHash } from 'node:crypto';

import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';

/** The one that has not scraped for longest is forgotten first. Part of what a record means, so no setting. */
const SCRAPERS_MAX = 64;

const KEY_BYTES = 12;

/** By which a scraper is known: whatever it calls itself, stores and logs do not hold it. */
export function scraperKey(scraper: string): string {
  return createHash('sha256').update(scraper).digest().subarray(0, KEY_BYTES).toString('base64');
}

export class Scrapers {
  readonly #seen = new Map<string, number>();

  /** The epoch of the state in the last whole exposition that a scraper got; undefined for none. */
  lastEpoch(scraper: string): number | undefined {
    return this.#seen.get(scraper);
  }

  /** A scraper got a whole exposition, of a view that was opened at this epoch. */
  saw(scraper: string, epoch: number): void {
    const before = this.#seen.get(scraper) ?? 0;
    this.#seen.delete(scraper);
    this.#seen.set(scraper, Math.max(before, epoch));
    if (this.#seen.size <= SCRAPERS_MAX) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }

  clear(): void {
    this.#seen.clear();
  }

  /** Those that scraped last come last. */
  write(writer: ByteWriter): void {
    writer.whole(this.#seen.size);
    for (const [scraper, epoch] of this.#seen) {
      writer.text(scraper);
      writer.whole(epoch);
    }
  }

  restore(reader: ByteReader): void {
    for (let left = reader.whole(); left > 0; left -= 1) {
      const scraper = reader.text();
      this.saw(scraper, reader.whole());
    }
  }
}
