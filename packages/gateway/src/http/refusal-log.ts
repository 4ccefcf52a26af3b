/** Refused requests in the log, at most about one line a second: a broken sender must not fill a disk. */
import type { Log, LogFields } from '../primitives/log.ts';

const INTERVAL_MS = 1_000;

export class RefusalLog {
  readonly #log: Log;
  readonly #now: () => number;
  #nextMs = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  /** `now` is any clock that does not go back, in milliseconds. */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Logs, or counts for the next line that is logged. */
  refused(message: string, fields: LogFields): void {
    const now = this.#now();
    if (now < this.#nextMs) {
      this.#suppressed += 1;
      return;
    }
    this.#nextMs = now + INTERVAL_MS;
    this.#log.warn(message, this.#suppressed === 0 ? fields : { ...fields, suppressed: this.#suppressed });
    this.#suppressed = 0;
  }
}
