/** The bytes of one body, in one piece, as they come: sent by the client, or out of a decoder. */
import { REUSED_BYTES_MIN } from './body-memory.ts';
import type { BodyShare, Memory } from './body-memory.ts';

/** What is allocated beyond what has come is not written to, so it takes no memory. */
const CAPACITIES = [64 * 1024, REUSED_BYTES_MIN, 4 * REUSED_BYTES_MIN];
const GROWTH = 4;

const noBytes = new Uint8Array(0);

export class BodyBuffer {
  readonly #share: BodyShare;
  readonly #lengthMax: number;
  /** The first part, as long as it is all there is. */
  #only: Uint8Array | undefined;
  #memory: Memory | undefined;
  #length = 0;

  /** `lengthMax`: the caller appends no more than that. */
  constructor(share: BodyShare, lengthMax: number) {
    this.#share = share;
    this.#lengthMax = lengthMax;
  }

  get length(): number {
    return this.#length;
  }

  /** As `append`; but a first part is not copied, and must not change while the buffer is in use. */
  keep(part: Uint8Array): void {
    if (this.#length > 0) {
      this.append(part);
      return;
    }
    this.#share.take(part.length);
    this.#only = part;
    this.#length = part.length;
  }

  /** Throws RequestError when there is no room. */
  append(part: Uint8Array): void {
    const end = this.#length + part.length;
    if (this.#memory === undefined || end > this.#memory.bytes.length) this.#grow(end);
    this.#write(this.#memory!, part, this.#length);
    this.#length = end;
  }

  /** All of them; valid until `free`. */
  bytes(): Uint8Array {
    return this.#only ?? this.#memory?.bytes.subarray(0, this.#length) ?? noBytes;
  }

  /** May be called several times. */
  free(): void {
    if (this.#only !== undefined) this.#share.give(this.#only.length);
    if (this.#memory !== undefined) this.#share.free(this.#memory);
    this.#only = undefined;
    this.#memory = undefined;
    this.#length = 0;
  }

  #grow(end: number): void {
    const large = Math.max(end, Math.min(GROWTH * end, this.#lengthMax));
    const capacity = CAPACITIES.find((bytes) => bytes >= end) ?? large;
    const memory = this.#share.allocate(end, capacity);
    try {
      this.#write(memory, this.bytes(), 0);
    } catch (error) {
      this.#share.free(memory);
      throw error;
    }
    const length = this.#length;
    this.free();
    this.#memory = memory;
    this.#length = length;
  }

  #write(memory: Memory, part: Uint8Array, at: number): void {
    const end = at + part.length;
    if (end > memory.prefetched) {
      this.#share.take(end - memory.prefetched);
      memory.prefetched = end;
    }
    memory.bytes.set(part, at);
  }
}
