/** What operators and senders had go, and reloads, with who asked. Of what there is most of, the oldest is forgotten first. */
import { hideTokens } from '../../primitives/hide-tokens.ts';
import { flatText } from '../../primitives/flat-text.ts';
import { shorten } from '../../primitives/quote.ts';
import type { AuditEntry } from '../insight-api.ts';

const ENTRIES_MAX = 256;

/** Several may be of one millisecond. */
interface Numbered {
  readonly nth: number;
  readonly entry: AuditEntry;
}

export class AuditLog {
  /** By what was done, the oldest first. */
  readonly #entries = new Map<AuditEntry['what'], Numbered[]>();
  #size = 0;
  #added = 0;

  add(entry: AuditEntry): void {
    const known = this.#entries.get(entry.what) ?? [];
    this.#entries.set(entry.what, known);
    const detail = flatText(shorten(hideTokens(entry.detail)));
    const kept = { ...entry, detail, outcome: flatText(shorten(entry.outcome)) };
    this.#added += 1;
    known.push({ nth: this.#added, entry: kept });
    this.#size += 1;
    if (this.#size <= ENTRIES_MAX) return;
    let most = known;
    for (const entries of this.#entries.values()) if (entries.length > most.length) most = entries;
    most.shift();
    this.#size -= 1;
  }

  /** The newest first. */
  list(): readonly AuditEntry[] {
    const all = [...this.#entries.values()].flat().sort((one, other) => other.nth - one.nth);
    return all.map(({ entry }) => entry);
  }
}
