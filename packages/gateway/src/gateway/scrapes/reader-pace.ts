/** How fast a reader takes its page, by looking at it now and then. */
import type { ExpositionReader } from '../api.ts';

/** What a reader took longer ago than this counts half, and so on: a connection takes much at first, whoever reads. */
const HALF_LIFE_MS = 500;

export class ReaderPace {
  readonly #reader: ExpositionReader | undefined;
  #lookedMs: number;
  #takenBytes: number;
  #tookMs: number;
  #behindMs = 0;
  #recentMs = 0;
  #recentBytes = 0;
  #wasBehind = false;

  constructor(reader: ExpositionReader | undefined, nowMs: number) {
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

  /** Of late, while it was behind. */
  get bytesPerSecond(): number {
    return this.#recentMs === 0 ? Number.POSITIVE_INFINITY : (this.#recentBytes / this.#recentMs) * 1_000;
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
      this.#recentMs = 0;
      this.#recentBytes = 0;
    } else if (this.#wasBehind) {
      const ms = Math.min(nowMs - this.#lookedMs, betweenMsMax);
      const left = 0.5 ** (ms / HALF_LIFE_MS);
      this.#behindMs += ms;
      this.#recentMs = this.#recentMs * left + ms;
      this.#recentBytes = this.#recentBytes * left + took;
    }
    this.#wasBehind = isBehind;
    this.#takenBytes = takenBytes;
    this.#lookedMs = nowMs;
  }
}
