/** The newest exemplar of each counter and bucket that had one. */
import type { Exemplar } from '../model/exemplar.ts';
import { heapBytes } from '../primitives/flat-text.ts';

/** An exemplar that is kept always has a time. */
export interface KeptExemplar extends Exemplar {
  readonly timestampMs: number;
}

/** Of an exemplar, and of each label, besides their texts; about what they take in memory. */
const EXEMPLAR_BYTES = 144;
const LABEL_BYTES = 40;

export class Exemplars {
  /** Not kept because there was no room, since the start. */
  dropped = 0;
  /** Of all that are kept, in memory. */
  bytes = 0;
  readonly #byAccumulator = new Map<number, KeptExemplar>();

  get size(): number {
    return this.#byAccumulator.size;
  }

  get(accumulator: number): KeptExemplar | undefined {
    return this.#byAccumulator.get(accumulator);
  }

  /**
   * Keeps an exemplar unless there is a newer one. One without a time, or from the future, is of `nowMs`: a sender whose clock is
   * wrong must not keep all others out. Returns whether it is kept. How many there may be is decided when a push is read.
   */
  offer(accumulator: number, exemplar: Exemplar, nowMs: number): boolean {
    const timestampMs = Math.min(exemplar.timestampMs ?? nowMs, nowMs);
    const known = this.#byAccumulator.get(accumulator);
    if (known !== undefined) {
      if (known.timestampMs > timestampMs) return false;
      this.bytes -= exemplarBytes(known);
    }
    this.bytes += exemplarBytes(exemplar);
    this.#byAccumulator.set(accumulator, { labels: exemplar.labels, value: exemplar.value, timestampMs });
    return true;
  }

  delete(accumulator: number): void {
    if (this.#byAccumulator.size === 0) return;
    const known = this.#byAccumulator.get(accumulator);
    if (known === undefined) return;
    this.bytes -= exemplarBytes(known);
    this.#byAccumulator.delete(accumulator);
  }
}

/** Bytes that an exemplar takes while it is kept. */
export function exemplarBytes({ labels }: Exemplar): number {
  let bytes = EXEMPLAR_BYTES;
  for (const { name, value } of labels) bytes += LABEL_BYTES + heapBytes(name) + heapBytes(value);
  return bytes;
}
