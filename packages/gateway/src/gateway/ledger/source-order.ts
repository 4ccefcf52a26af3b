/**
 * In which order sources were pushed and removed, by when each request was sent: members of a cluster hold requests, and what was held must not win over
 * what was sent later and came by another way.
 *
 * It is known from when on this process has heard of each record soon after it was made. Before, time may have passed that no ledger counted, so
 * how long ago something was cannot be said.
 */

/** Removed sources that are remembered; one that is held is not held for as long as so many take. */
const REMOVED_MAX = 16_384;
/**
 * The time of a ledger that follows lags by as long as records travel, so what a member held may have been sent so much later than it seems. It counts
 * as later then: nobody gives up a push and sends another one that soon, but many send the next as soon as the one before is answered.
 */
const TRAVEL_MS = 100;

export class SourceOrder {
  #sinceMs = Number.POSITIVE_INFINITY;
  /** Of sources whose last push was sent before that, and counted after it: when it was sent. No more than what is held while nobody leads. */
  readonly #held = new Map<string, number>();
  /** When the last request was sent that removed a source, the oldest first. */
  readonly #removed = new Map<string, number>();

  /** From now on, if not sooner. */
  begin(nowMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs, nowMs);
  }

  pushed(source: string, sentMs: number, nowMs: number): void {
    if (sentMs <= this.#sinceMs && nowMs > this.#sinceMs) this.#held.set(source, sentMs);
  }

  removed(source: string, sentMs: number, nowMs: number): void {
    if (nowMs <= this.#sinceMs) return;
    this.#removed.delete(source);
    this.#removed.set(source, sentMs);
    if (this.#removed.size > REMOVED_MAX) this.#removed.delete(this.#removed.keys().next().value!);
  }

  /** Whether a source, whose last push was sent at `lastMs`, has changed since, for all that is known: false in doubt. */
  hasChangedSince(source: string, sinceMs: number, lastMs: number | undefined): boolean {
    const afterMs = sinceMs + TRAVEL_MS;
    if ((this.#removed.get(source) ?? Number.NEGATIVE_INFINITY) > afterMs) return true;
    if (lastMs === undefined || lastMs <= afterMs) return false;
    return lastMs > this.#sinceMs || this.#held.get(source) === lastMs;
  }
}
