/** How fast a reader takes its page, by looking at it now and then. */
import type { PageReader } from './api.ts';

export class ReaderPace {
  readonly #reader: PageReader | undefined;
  #lookedMs: number;
  #takenBytes: number;
  #tookMs: number;
  #behindMs = 0;
  #behindBytes = 0;
  #wasBehind = false;

  constructor(reader: PageReader | undefined, nowMs: number) {
    this.#reader = reader;
    this.#takenBytes = reader?.takenBytes ?? 0;
    this.#lookedMs = nowMs;
    this.#tookMs = nowMs;
  }

  /** Since when it has taken nothing of what is there for it; `nowMs` of the last look when it has. */
  get tookMs(): number {
    return this.#tookMs;
  }

  /** For how long it has not caught up with what was written. Time that the gateway needs does not count. */
  get behindMs(): number {
    return this.#behindMs;
  }

  /** While it was behind. */
  get bytesPerSecond(): number {
    return this.#behindMs === 0 ? Number.POSITIVE_INFINITY : (this.#behindBytes / this.#behindMs) * 1_000;
  }

  /** Time beyond `betweenMsMax` since the last look is not counted against the reader: the gateway itself stood still. */
  look(nowMs: number, betweenMsMax: number): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const { takenBytes, isBehind } = reader;
    const took = takenBytes - this.#takenBytes;
    if (took > 0 || !isBehind) this.#tookMs = nowMs;
    if (!isBehind) {
      this.#behindMs = 0;
      this.#behindBytes = 0;
    } else if (this.#wasBehind) {
      this.#behindMs += Math.min(nowMs - this.#lookedMs, betweenMsMax);
      this.#behindBytes += took;
    }
    this.#wasBehind = isBehind;
    this.#takenBytes = takenBytes;
    this.#lookedMs = nowMs;
  }
}
