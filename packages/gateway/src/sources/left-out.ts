/**
 * When sources last named what they left out of their last push, as a POST may: of all else a source has, that is when it pushed last. Only of
 * what says how things are and may expire. What stands here is replaced and never changed, so that a snapshot may keep it.
 */
import { Paged } from '../primitives/paged.ts';

/** By the accumulators that name the series. */
export interface LeftOut {
  readonly named: Uint32Array;
  readonly timesMs: Float64Array;
}

/** Series that a source has not named for too long. */
export interface Withdrawal {
  readonly source: string;
  /** Of each series the accumulator that names it; ascending. */
  readonly named: Uint32Array;
}

/** What a source takes that left something out, and each series that it left out. */
const SOURCE_BYTES = 256;
const SERIES_BYTES = 12;

export function leftOutBytes(series: number): number {
  return series === 0 ? 0 : SOURCE_BYTES + series * SERIES_BYTES;
}

/** In the place of a source in a withdrawal: senders that add. */
export const NO_SOURCE = '';

export class LeftOutTimes {
  /** Of all that stands here. */
  bytes = 0;
  #bySource = new Paged<LeftOut>();

  get areSome(): boolean {
    return this.#bySource.size > 0;
  }

  get(source: number): LeftOut | undefined {
    return this.#bySource.get(source);
  }

  /** By series; empty where the source left nothing out. */
  timesOf(source: number): ReadonlyMap<number, number> {
    const { named = [], timesMs = [] } = this.#bySource.get(source) ?? {};
    const times = new Map<number, number>();
    for (const [i, each] of named.entries()) times.set(each, timesMs[i]!);
    return times;
  }

  set(source: number, leftOut: LeftOut): void {
    this.bytes += leftOutBytes(leftOut.named.length) - this.bytesOf(source);
    if (leftOut.named.length > 0) this.#bySource.set(source, leftOut);
    else this.#bySource.delete(source);
  }

  setTimes(source: number, times: ReadonlyMap<number, number>): void {
    if (times.size === 0) this.delete(source);
    else
      this.set(source, { named: Uint32Array.from(times.keys()), timesMs: Float64Array.from(times.values()) });
  }

  delete(source: number): void {
    this.bytes -= this.bytesOf(source);
    this.#bySource.delete(source);
  }

  clear(): void {
    this.bytes = 0;
    this.#bySource = new Paged<LeftOut>();
  }

  bytesOf(source: number): number {
    return leftOutBytes(this.#bySource.get(source)?.named.length ?? 0);
  }
}
