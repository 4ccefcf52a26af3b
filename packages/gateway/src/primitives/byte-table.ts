/**
 * A table from byte strings to small numbers, for millions of keys: open addressing over one arena, no object per key.
 *
 *   slots    [ 0 | entry+1 | 0 | … ]        linear probing in segments (hash-slots.ts)
 *   entries  hash, address, length          columns by entry number; freed numbers are used again
 *   arena    chunks of 1 MiB                keys lie in blocks of 8 bytes, never across chunks; freed blocks are reused
 */
import { sameBytes, viewOf } from './bytes.ts';
import { hashBytes } from './hash.ts';
import { HashSlots } from './hash-slots.ts';
import { NumberList } from './number-list.ts';

const CHUNK_BITS = 20;
const CHUNK_BYTES = 1 << CHUNK_BITS;
const SMALL_CHUNK_BYTES = 1 << 14;
const BLOCK_BYTES = 8;
/** More than these are not kept by `clear`, which has to write them all. */
const KEPT_SLOTS = 4096;

type CopyEntries = <T extends Uint32Array | Uint16Array>(from: T, to: T) => Generator<void, T>;

export class ByteTable {
  /** Entry numbers run from 0 to here; freed ones among them. */
  high = 0;
  /** Keys held. */
  size = 0;
  #seed: number;
  readonly #slots = new HashSlots();
  #hashes = new Uint32Array(32);
  #addresses = new Uint32Array(32);
  #lengths = new Uint16Array(32);
  readonly #free = new NumberList();
  #chunks: Uint8Array[] = [];
  #views: DataView[] = [];
  #used = CHUNK_BYTES;
  #freeBlocks = new Map<number, number[]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Numbers that columns beside this table must have room for. */
  get capacity(): number {
    return this.#hashes.length;
  }

  hash(view: DataView, start: number, end: number): number {
    return hashBytes(this.#seed, view, start, end);
  }

  /** The entry of a key, or -1. `hash` must come from this table's seed. */
  find(view: DataView, start: number, end: number, hash: number): number {
    const slots = this.#slots.segmentOf(hash);
    const mask = slots.length - 1;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry === -1) return -1;
      if (this.#hashes[entry] !== hash || this.#lengths[entry] !== length) continue;
      if (this.#isAt(entry, view, start)) return entry;
    }
  }

  /**
   * The length of an entry's key when the bytes at `start` begin with it, else -1. Also -1 for what is not an entry. Cheaper
   * than `find`, for callers that can guess which key comes.
   */
  matchLength(entry: number, view: DataView, start: number, end: number): number {
    if (entry >= this.high) return -1;
    const length = this.#lengths[entry]!;
    return start + length <= end && this.#isAt(entry, view, start) ? length : -1;
  }

  /** Whether an entry's key is the first `headEnd` bytes of one view and those from `start` to `end` of another. */
  isInTwo(
    entry: number,
    head: DataView,
    headEnd: number,
    view: DataView,
    start: number,
    end: number,
  ): boolean {
    if (entry >= this.high || this.#lengths[entry] !== headEnd + end - start) return false;
    const address = this.#addresses[entry]!;
    const chunk = this.#views[address >>> CHUNK_BITS]!;
    const from = address & (CHUNK_BYTES - 1);
    return (
      sameBytes(chunk, from + headEnd, view, start, end - start) && sameBytes(chunk, from, head, 0, headEnd)
    );
  }

  /** Adds a key that is not in the table and returns its entry. The bytes are copied, at most 65,535 of them. */
  insert(view: DataView, start: number, end: number, hash: number): number {
    const entry = this.#free.pop() ?? this.high;
    if (entry === this.high) {
      this.high += 1;
      if (this.high > this.#hashes.length) this.#growEntries(this.#hashes.length * 2);
    }
    this.#put(entry, view, start, end, hash);
    return entry;
  }

  /**
   * Makes room for so many more keys, so that the next ones are inserted without a pause. `copy` copies a column to the beginning of a
   * larger one, in steps, and returns that.
   */
  *makeRoom(keys: number, copy: CopyEntries): Generator<void, void> {
    const needed = this.high + Math.max(0, keys - this.#free.length);
    let capacity = this.#hashes.length;
    while (capacity < needed) capacity *= 2;
    if (capacity === this.#hashes.length) return;
    this.#addresses = yield* copy(this.#addresses, new Uint32Array(capacity));
    this.#lengths = yield* copy(this.#lengths, new Uint16Array(capacity));
    // Its length is the capacity.
    this.#hashes = yield* copy(this.#hashes, new Uint32Array(capacity));
  }

  /** Entry numbers below `high` that are to be given out again, the next one last. */
  get freeEntries(): NumberList {
    return this.#free;
  }

  /**
   * Gives an empty table the numbering of another: its keys must then come back through `insertAt`, and the numbers below
   * `high` that are to be given out again through `release`, in the order of `freeEntries`.
   */
  restoreNumbering(high: number): void {
    this.high = high;
    let capacity = this.#hashes.length;
    while (capacity < high) capacity *= 2;
    this.#growEntries(capacity);
  }

  /** Like `insert`, with the number that the key had. */
  insertAt(entry: number, view: DataView, start: number, end: number, hash: number): void {
    this.#put(entry, view, start, end, hash);
  }

  /**
   * Takes a key out, so that it is no longer found. Its number and bytes stay readable until `release`, for readers that
   * still hold the number.
   */
  remove(entry: number): void {
    this.#slots.remove(entry, this.#hashes);
    this.size -= 1;
  }

  /** Lets the number and the bytes of a removed entry be used again. */
  release(entry: number): void {
    const blocks = Math.ceil(this.#lengths[entry]! / BLOCK_BYTES);
    this.#free.push(entry);
    // A number that was free when its table was restored has no key.
    if (blocks === 0) return;
    const list = this.#freeBlocks.get(blocks);
    if (list === undefined) this.#freeBlocks.set(blocks, [this.#addresses[entry]!]);
    else list.push(this.#addresses[entry]!);
  }

  /** Forgets all keys, and lets go of what many of them made grow. */
  clear(): void {
    this.high = 0;
    this.size = 0;
    this.#free.clear();
    this.#freeBlocks.clear();
    this.#chunks.length = Math.min(this.#chunks.length, 1);
    this.#views.length = this.#chunks.length;
    this.#used = this.#chunks.length === 0 ? CHUNK_BYTES : 0;
    this.#slots.clear(KEPT_SLOTS);
    if (this.#hashes.length <= KEPT_SLOTS) return;
    this.#hashes = new Uint32Array(32);
    this.#addresses = new Uint32Array(32);
    this.#lengths = new Uint16Array(32);
  }

  /** The bytes of an entry: its chunk (as a view, too), and where in it. The chunk must not be written to. */
  chunkOf(entry: number): Uint8Array {
    return this.#chunks[this.#addresses[entry]! >>> CHUNK_BITS]!;
  }

  viewOf(entry: number): DataView {
    return this.#views[this.#addresses[entry]! >>> CHUNK_BITS]!;
  }

  offsetOf(entry: number): number {
    return this.#addresses[entry]! & (CHUNK_BYTES - 1);
  }

  lengthOf(entry: number): number {
    return this.#lengths[entry]!;
  }

  hashOf(entry: number): number {
    return this.#hashes[entry]!;
  }

  /** Writes the bytes of an entry and returns where they end. */
  copyTo(entry: number, to: DataView, at: number): number {
    const length = this.#lengths[entry]!;
    const from = this.offsetOf(entry);
    const view = this.viewOf(entry);
    let i = 0;
    for (; i + 4 <= length; i += 4) to.setInt32(at + i, view.getInt32(from + i, true), true);
    for (; i < length; i += 1) to.setUint8(at + i, view.getUint8(from + i));
    return at + length;
  }

  textOf(entry: number): string {
    const from = this.offsetOf(entry);
    return Buffer.from(this.chunkOf(entry).subarray(from, from + this.lengthOf(entry))).toString('utf8');
  }

  #put(entry: number, view: DataView, start: number, end: number, hash: number): void {
    const length = end - start;
    const address = this.#allocate(length);
    this.#copy(view, start, length, address);
    this.#hashes[entry] = hash;
    this.#addresses[entry] = address;
    this.#lengths[entry] = length;
    this.#slots.add(entry, hash, this.#hashes);
    this.size += 1;
  }

  #isAt(entry: number, view: DataView, start: number): boolean {
    const address = this.#addresses[entry]!;
    const chunk = this.#views[address >>> CHUNK_BITS]!;
    return sameBytes(chunk, address & (CHUNK_BYTES - 1), view, start, this.#lengths[entry]!);
  }

  #copy(view: DataView, start: number, length: number, address: number): void {
    const chunk = this.#views[address >>> CHUNK_BITS]!;
    const to = address & (CHUNK_BYTES - 1);
    let i = 0;
    for (const stop = length - 3; i < stop; i += 4) {
      chunk.setInt32(to + i, view.getInt32(start + i, true), true);
    }
    for (; i < length; i += 1) chunk.setUint8(to + i, view.getUint8(start + i));
  }

  #allocate(length: number): number {
    const blocks = Math.ceil(length / BLOCK_BYTES);
    const reused = this.#freeBlocks.get(blocks)?.pop();
    if (reused !== undefined) return reused;
    const bytes = blocks * BLOCK_BYTES;
    if (this.#used + bytes > CHUNK_BYTES) this.#addChunk();
    if (this.#chunks.length === 1) this.#growFirstChunk(this.#used + bytes);
    const address = (this.#chunks.length - 1) * CHUNK_BYTES + this.#used;
    this.#used += bytes;
    return address;
  }

  #addChunk(): void {
    const chunk = new Uint8Array(this.#chunks.length === 0 ? SMALL_CHUNK_BYTES : CHUNK_BYTES);
    this.#chunks.push(chunk);
    this.#views.push(viewOf(chunk));
    this.#used = 0;
  }

  /**
   * The first chunk begins small: most tables hold little. It grows in few steps, as each leaves a hole in the heap, while
   * pages of a large array that nobody has touched take no memory.
   */
  #growFirstChunk(needed: number): void {
    const chunk = this.#chunks[0]!;
    if (needed <= chunk.length) return;
    const larger = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(chunk.length * 8, needed)));
    larger.set(chunk);
    this.#chunks[0] = larger;
    this.#views[0] = viewOf(larger);
  }

  #growEntries(capacity: number): void {
    const hashes = new Uint32Array(capacity);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const addresses = new Uint32Array(capacity);
    addresses.set(this.#addresses);
    this.#addresses = addresses;
    const lengths = new Uint16Array(capacity);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}
