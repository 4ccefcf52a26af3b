/**
 * Where the keys of a `ByteTable` lie: one after the other in chunks, each behind the number of its owner.
 *
 *   chunk   [ owner | bytes … pad | gap, words | … | owner | bytes … pad | unused ]     1 MiB, in words of 4 bytes
 *
 * Bytes that are given back leave a gap, whatever their length. A chunk of nothing but gaps goes at once; else what is left in the
 * emptiest chunk moves to the end of the newest, a few bytes with each that are placed, so that gaps stay below a fifth of
 * the whole and two chunks. Owners ask where their bytes are each time, so nobody notices.
 */
import { copyBytes, viewOf } from './bytes.ts';

const CHUNK_BYTES = 1 << 20;
const SMALL_CHUNK_BYTES = 1 << 14;
const WORD_BITS = 2;
const WORD_BYTES = 1 << WORD_BITS;
/** Addresses count words, and have 32 bits. Words of a chunk: */
const CHUNK_BITS = 18;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;
/**
 * What stands at an address is in the chunk `address >>> CHUNK_BITS`, at `(address & CHUNK_MASK) << WORD_BITS`.
 */
export const addressing: Readonly<Record<'CHUNK_BITS' | 'CHUNK_MASK' | 'WORD_BITS', number>> = {
  CHUNK_BITS,
  CHUNK_MASK,
  WORD_BITS,
};
/** What addresses can tell apart. */
const ARENA_BYTES_MAX: number = 2 ** 32 * WORD_BYTES;
/** Lengths have 16 bits. */
const LENGTH_MAX = 65_535;
/** Set in the first word of a gap; the rest of it is its length in words. */
const GAP = 0x8000_0000;
/** An address that no bytes have, as their owner stands before them. */
export const NOWHERE = 0;
/** Gaps of so many bytes are left alone, however little else there is. */
const GAPS_MIN = 2 * CHUNK_BYTES;
/** Bytes moved for each that is placed: so many keep up with whoever gives back as much as they take. */
const MOVED_PER_BYTE = 4;

/** Bytes that a key of this length takes. */
export function blockBytes(length: number): number {
  return (WORD_BYTES + length + WORD_BYTES - 1) & -WORD_BYTES;
}

interface Chunk {
  bytes: Uint8Array;
  view: DataView;
  /** Bytes given out, gaps among them. */
  used: number;
  /** Bytes that somebody has. */
  live: number;
}

const noChunk: Chunk = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), used: 0, live: 0 };

export class TextArena {
  /** By owner: where its bytes are, and how many. */
  #addresses: Uint32Array;
  #lengths: Uint16Array;
  readonly #bytesMax: number;
  /** By chunk. Always the same lists, for those who look often. */
  readonly bytes: Uint8Array[] = [];
  readonly views: DataView[] = [];
  readonly #chunks: Chunk[] = [];
  /** Numbers of chunks that are gone, to be used again. */
  readonly #vacant: number[] = [];
  #newest = -1;
  /** The chunk that is being emptied, and how far; -1 for none. */
  #emptying = -1;
  #emptiedTo = 0;
  /** Bytes of all chunks that were given out, and of gaps among them. */
  #used = 0;
  #gaps = 0;

  /** `bytesMax` is less than the width of an address in tests only. */
  constructor(addresses: Uint32Array, lengths: Uint16Array, bytesMax: number = ARENA_BYTES_MAX) {
    this.#addresses = addresses;
    this.#lengths = lengths;
    this.#bytesMax = bytesMax;
  }

  /** The columns of the owners, when they have grown. */
  ownedBy(addresses: Uint32Array, lengths: Uint16Array): void {
    this.#addresses = addresses;
    this.#lengths = lengths;
  }

  /** Memory held for all this. */
  get heldBytes(): number {
    const count = this.#chunks.length - this.#vacant.length;
    return count === 1 ? (this.bytes[this.#newest]?.length ?? 0) : count * CHUNK_BYTES;
  }

  /** What was given out, chunk by chunk. */
  *parts(): Generator<Uint8Array, void> {
    for (const { bytes, used } of this.#chunks) yield bytes.subarray(0, used);
  }

  /** Copies bytes to where they stay until `release`, or until they are moved. The owner's length is set by the caller. */
  place(owner: number, view: DataView, start: number, length: number): void {
    if (length > LENGTH_MAX) throw new Error(`BUG: a key of ${length} bytes`);
    const size = blockBytes(length);
    this.compact(size * MOVED_PER_BYTE);
    const address = this.#allocate(owner, size);
    const to = this.views[address >>> CHUNK_BITS]!;
    copyBytes(view, start, to, (address & CHUNK_MASK) * WORD_BYTES, length);
    this.#addresses[owner] = address;
  }

  /** Gives the bytes of an owner back. */
  release(owner: number): void {
    const address = this.#addresses[owner]!;
    this.#addresses[owner] = NOWHERE;
    const size = blockBytes(this.#lengths[owner]!);
    const index = address >>> CHUNK_BITS;
    const chunk = this.#chunks[index]!;
    const at = (address & CHUNK_MASK) * WORD_BYTES - WORD_BYTES;
    chunk.view.setUint32(at, (GAP | (size / WORD_BYTES)) >>> 0, true);
    chunk.live -= size;
    this.#gaps += size;
    if (chunk.live === 0) this.#dropEmpty(index);
  }

  /** Closes gaps where there are too many: moves about so many bytes. */
  compact(bytes: number): void {
    if (this.#gaps <= GAPS_MIN || this.#gaps * 5 <= this.#used) return;
    let left = bytes;
    while (left > 0) {
      if (this.#emptying < 0 && !this.#beginEmptying()) return;
      const index = this.#emptying;
      const chunk = this.#chunks[index]!;
      if (this.#emptiedTo >= chunk.used) throw new Error('BUG: a chunk was emptied and has bytes left');
      const at = this.#emptiedTo;
      const head = chunk.view.getUint32(at, true);
      if (head >= GAP) {
        this.#emptiedTo = at + (head - GAP) * WORD_BYTES;
        left -= WORD_BYTES;
        continue;
      }
      const size = this.#move(head, chunk, at);
      // Unless that was the last of it.
      if (this.#emptying === index) this.#emptiedTo = at + size;
      left -= size;
    }
  }

  clear(): void {
    const [first] = this.#chunks;
    this.#chunks.length = 0;
    this.bytes.length = 0;
    this.views.length = 0;
    this.#vacant.length = 0;
    this.#newest = -1;
    this.#emptying = -1;
    this.#used = 0;
    this.#gaps = 0;
    if (first === undefined || first === noChunk) return;
    first.used = 0;
    first.live = 0;
    this.#newest = this.#addChunk(first);
  }

  /** Moves the bytes of an owner out of a chunk; returns how many words' bytes those are. */
  #move(owner: number, chunk: Chunk, at: number): number {
    const length = this.#lengths[owner]!;
    const size = blockBytes(length);
    const address = this.#allocate(owner, size);
    const to = this.views[address >>> CHUNK_BITS]!;
    copyBytes(chunk.view, at + WORD_BYTES, to, (address & CHUNK_MASK) * WORD_BYTES, length);
    this.release(owner);
    this.#addresses[owner] = address;
    return size;
  }

  /** The address of so many bytes less a word, which names the owner. */
  #allocate(owner: number, size: number): number {
    let chunk = this.#chunks[this.#newest];
    if (chunk === undefined || chunk.used + size > CHUNK_BYTES) {
      this.#newest = this.#addChunk(newChunk(this.#chunks.length === 0 ? SMALL_CHUNK_BYTES : CHUNK_BYTES));
      chunk = this.#chunks[this.#newest]!;
    }
    const index = this.#newest;
    const at = chunk.used;
    if (index * CHUNK_BYTES + at + size > this.#bytesMax)
      throw new Error(
        `BUG: ${size} more bytes of keys have no address; there is a limit to refuse them before`,
      );
    if (at + size > chunk.bytes.length) this.#growFirst(chunk, at + size);
    chunk.view.setUint32(at, owner, true);
    chunk.used += size;
    chunk.live += size;
    this.#used += size;
    return (index * CHUNK_BYTES + at + WORD_BYTES) / WORD_BYTES;
  }

  #addChunk(chunk: Chunk): number {
    const index = this.#vacant.pop() ?? this.#chunks.length;
    this.#chunks[index] = chunk;
    this.bytes[index] = chunk.bytes;
    this.views[index] = chunk.view;
    return index;
  }

  /**
   * The first chunk begins small: most tables hold little. It grows in few steps, as each leaves a hole in the heap, while
   * pages of a large array that nobody has touched take no memory.
   */
  #growFirst(chunk: Chunk, needed: number): void {
    const larger = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(chunk.bytes.length * 8, needed)));
    larger.set(chunk.bytes);
    chunk.bytes = larger;
    chunk.view = viewOf(larger);
    this.bytes[this.#newest] = larger;
    this.views[this.#newest] = chunk.view;
  }

  #dropEmpty(index: number): void {
    const chunk = this.#chunks[index]!;
    this.#used -= chunk.used;
    this.#gaps -= chunk.used;
    if (this.#emptying === index) this.#emptying = -1;
    chunk.used = 0;
    if (index === this.#newest) return;
    this.#chunks[index] = noChunk;
    this.bytes[index] = noChunk.bytes;
    this.views[index] = noChunk.view;
    this.#vacant.push(index);
  }

  #beginEmptying(): boolean {
    let least = Number.POSITIVE_INFINITY;
    for (const [index, { live, used }] of this.#chunks.entries()) {
      // Too full to be worth it: what is left of gaps is in many chunks, little in each.
      if (index === this.#newest || used === 0 || live >= least || live * 16 > used * 15) continue;
      this.#emptying = index;
      least = live;
    }
    this.#emptiedTo = 0;
    return this.#emptying >= 0;
  }
}

function newChunk(length: number): Chunk {
  const bytes = new Uint8Array(length);
  return { bytes, view: viewOf(bytes), used: 0, live: 0 };
}
