/**
 * The last refused requests, for who asks what became of a push. There are so many at a time, and a sender that is refused again and again takes the
 * place of its own: whose is dropped for a new one is who has the most.
 */
import type { ErrorCode, Location } from '../../model/errors.ts';
import type { Excerpt } from '../../primitives/excerpt.ts';

export const REFUSALS_MAX = 256;

export interface Refusal {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly what: 'push' | 'delete' | 'admin';
  readonly method: string;
  /** Of the request, cut where it is long. */
  readonly path: string;
  readonly remote: string | undefined;
  /** The name of the token or user. */
  readonly by: string | undefined;
  readonly code: ErrorCode;
  readonly status: number;
  /** As it was answered, without the place. */
  readonly message: string;
  readonly location: Location | undefined;
  readonly excerpt: Excerpt | undefined;
}

export class RecentRefusals {
  /** Since the process started. */
  total = 0;
  /** By sender, the oldest first; no list is empty. */
  readonly #bySender = new Map<string, Refusal[]>();
  readonly #max: number;
  #size = 0;

  constructor(max: number = REFUSALS_MAX) {
    this.#max = max;
  }

  /** `sender` is as in http/senders/sender.ts. */
  add(sender: string, refusal: Refusal): void {
    this.total += 1;
    const known = this.#bySender.get(sender);
    if (known === undefined) this.#bySender.set(sender, [refusal]);
    else known.push(refusal);
    this.#size += 1;
    if (this.#size > this.#max) this.#dropOne();
  }

  /** The newest first. */
  newest(count: number): readonly Refusal[] {
    const all = [...this.#bySender.values()].flat();
    return all.sort((a, b) => b.timeMs - a.timeMs).slice(0, count);
  }

  #dropOne(): void {
    let most: readonly [string, Refusal[]] | undefined;
    for (const entry of this.#bySender) if (most === undefined || isMore(entry[1], most[1])) most = entry;
    const [sender, refusals] = most!;
    refusals.shift();
    this.#size -= 1;
    if (refusals.length === 0) this.#bySender.delete(sender);
  }
}

/** Of two with as many it is the one whose first is older. */
function isMore(a: readonly Refusal[], b: readonly Refusal[]): boolean {
  return a.length > b.length || (a.length === b.length && a[0]!.timeMs < b[0]!.timeMs);
}
