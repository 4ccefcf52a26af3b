/**
 * Idempotency keys of accepted pushes, so that a retry counts once. A key is kept as a digest of whatever tells it from others, and beside it a
 * fingerprint of the request that came with it, so that the same key on another request can be told from a retry.
 *
 *   table    digest, 16 bytes                       entry
 *   columns  by entry: fingerprint, time
 *   ring     entries, oldest first: [ … | head … tail | … ]
 *
 * About 60 bytes a key. Keys go when they are older than the window, and the oldest when there are too many.
 * Draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
import { viewOf } from '../primitives/bytes.ts';
import { ByteTable } from '../primitives/byte-table.ts';

export const DIGEST_BYTES = 16;
export const FINGERPRINT_BYTES = 8;
/** Digest, then fingerprint: what identifies a push. */
export const IDENTITY_BYTES: number = DIGEST_BYTES + FINGERPRINT_BYTES;
const KEYS_PER_PART = 16_384;
const ROW_BYTES = IDENTITY_BYTES + 8;
const RING_MIN = 64;

export interface KeyBounds {
  readonly windowMs: number;
  readonly keysMax: number;
}

export class IdempotencyKeys {
  /** Keys that went before their time was over, because there were too many. */
  evicted = 0;
  readonly #bounds: KeyBounds;
  readonly #table: ByteTable;
  /** Two numbers each. */
  #fingerprints = new Uint32Array(64);
  #addedMs = new Float64Array(32);
  /** A power of two. */
  #ring = new Uint32Array(RING_MIN);
  /** Counts of keys ever taken out and ever put in; places in the ring are these, modulo its length. */
  #head = 0;
  #tail = 0;

  constructor(bounds: KeyBounds, hashSeed: number) {
    this.#bounds = bounds;
    this.#table = new ByteTable(hashSeed);
  }

  get size(): number {
    return this.#tail - this.#head;
  }

  /** Whether the key of this identity is known, and if so whether it came with the same request. */
  look(identity: Uint8Array, nowMs: number): 'unknown' | 'same' | 'another' {
    this.expire(nowMs);
    const view = viewOf(identity);
    const entry = this.#find(view);
    if (entry < 0) return 'unknown';
    const isSame =
      this.#fingerprints[entry * 2] === view.getUint32(DIGEST_BYTES) &&
      this.#fingerprints[entry * 2 + 1] === view.getUint32(DIGEST_BYTES + 4);
    return isSame ? 'same' : 'another';
  }

  /** Adds a key; one that is there already stays as it is. */
  add(identity: Uint8Array, nowMs: number): void {
    const view = viewOf(identity);
    if (this.#find(view) >= 0) return;
    this.expire(nowMs);
    while (this.size >= this.#bounds.keysMax) {
      this.#removeOldest();
      this.evicted += 1;
    }
    const hash = this.#table.hash(view, 0, DIGEST_BYTES);
    const entry = this.#table.insert(view, 0, DIGEST_BYTES, hash);
    if (entry >= this.#addedMs.length) this.#growColumns();
    this.#fingerprints[entry * 2] = view.getUint32(DIGEST_BYTES);
    this.#fingerprints[entry * 2 + 1] = view.getUint32(DIGEST_BYTES + 4);
    this.#addedMs[entry] = nowMs;
    if (this.size === this.#ring.length) this.#growRing();
    this.#ring[this.#tail & (this.#ring.length - 1)] = entry;
    this.#tail += 1;
  }

  /** Lets go of what is older than the window. */
  expire(nowMs: number): void {
    while (this.size > 0 && this.#addedMs[this.#oldest()]! < nowMs - this.#bounds.windowMs)
      this.#removeOldest();
  }

  /**
   * All keys, oldest first, for a snapshot. Keys may come and go while it is read: those that went are missing and new ones may
   * be there. Adding them again changes nothing; but their records must be safe before the snapshot counts.
   */
  *parts(): Generator<Uint8Array, void> {
    for (let at = this.#head; at < this.#tail;) {
      at = Math.max(at, this.#head);
      const count = Math.min(this.#tail - at, KEYS_PER_PART);
      const part = new Uint8Array(count * ROW_BYTES);
      const view = viewOf(part);
      for (let row = 0; row < count; row += 1) {
        const entry = this.#ring[(at + row) & (this.#ring.length - 1)]!;
        const start = this.#table.offsetOf(entry);
        part.set(this.#table.chunkOf(entry).subarray(start, start + DIGEST_BYTES), row * ROW_BYTES);
        view.setUint32(row * ROW_BYTES + DIGEST_BYTES, this.#fingerprints[entry * 2]!);
        view.setUint32(row * ROW_BYTES + DIGEST_BYTES + 4, this.#fingerprints[entry * 2 + 1]!);
        view.setFloat64(row * ROW_BYTES + IDENTITY_BYTES, this.#addedMs[entry]!, true);
      }
      at += count;
      yield part;
    }
  }

  /** Takes back a part that `parts` gave. */
  restore(part: Uint8Array): void {
    const view = viewOf(part);
    for (let at = 0; at + ROW_BYTES <= part.length; at += ROW_BYTES) {
      this.add(part.subarray(at, at + IDENTITY_BYTES), view.getFloat64(at + IDENTITY_BYTES, true));
    }
  }

  #find(view: DataView): number {
    return this.#table.find(view, 0, DIGEST_BYTES, this.#table.hash(view, 0, DIGEST_BYTES));
  }

  #oldest(): number {
    return this.#ring[this.#head & (this.#ring.length - 1)]!;
  }

  #removeOldest(): void {
    const entry = this.#oldest();
    this.#table.remove(entry);
    this.#table.release(entry);
    this.#head += 1;
  }

  #growColumns(): void {
    const capacity = this.#table.capacity;
    const fingerprints = new Uint32Array(capacity * 2);
    fingerprints.set(this.#fingerprints);
    this.#fingerprints = fingerprints;
    const addedMs = new Float64Array(capacity);
    addedMs.set(this.#addedMs);
    this.#addedMs = addedMs;
  }

  #growRing(): void {
    const larger = new Uint32Array(this.#ring.length * 2);
    for (let at = this.#head; at < this.#tail; at += 1) {
      larger[at & (larger.length - 1)] = this.#ring[at & (this.#ring.length - 1)]!;
    }
    this.#ring = larger;
  }
}
