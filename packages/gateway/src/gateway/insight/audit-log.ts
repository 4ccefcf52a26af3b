/** What operators and senders had go, and reloads, with who asked. Of what there is most of, the oldest is forgotten first. */
import { hideTokens } from '../../primitives/hide-tokens.ts';
import { flatText } from '../../primitives/flat-text.ts';
import { shorten } from '../../primitives/quote.ts';
import type { AuditEntry } from '../insight-api.ts';

const ENTRIES_MAX = 256;

export class AuditLog {
  /** By what was done, the oldest first. */
  readonly #entries = new Map<AuditEntry['what'], AuditEntry[]>();
  #size = 0;

  add(entry: AuditEntry): void {
    const known = this.#entries.get(entry.what) ?? [];
    this.#entries.set(entry.what, known);
    known.push({
      ...entry,
      detail: flatText(shorten(hideTokens(entry.detail))),
      outcome: flatText(shorten(entry.outcome)),
    });
    this.#size += 1;
    if (this.#size <= ENTRIES_MAX) return;
    let most = known;
    for (const entries of this.#entries.values()) if (entries.length > most.length) most = entries;
    most.shift();
    this.#size -= 1;
  }

  /** The newest first. */
  list(): readonly AuditEntry[] {
    return [...this.#entries.values()].flat().sort((a, b) => b.time - a.time);
  }
}
