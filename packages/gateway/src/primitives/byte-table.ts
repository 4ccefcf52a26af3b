/**
 * A table from byte strings to small numbers, for millions of keys: open addressing over one arena, no object per key.
 *
 *   slots    [ 0 | entry+1 | 0 | … ]        linear probing in segments (hash-slots.ts)
 *   entries  hash, address, length          columns by entry number; freed numbers are used again
 *   arena    see TextArena                  where a key lies may change with any that is added; ask each time
 */
import { sameBytes } from './bytes.ts';
import { hashBytes } from './hash.ts';
import { HashSlots } from './hash-slots.ts';
import { NumberList } from './number-list.ts';
import { addressing, blockBytes, NOWHERE, TextArena } from './text-arena.ts';

/** Here once more, as what is imported is no constant to the compiler. */
const { CHUNK_BITS, CHUNK_MASK, WORD_BITS } = addressing;
/** More than these are not kept by `clear`, which has to write them all. */
const KEPT_SLOTS = 4096;
/** Of the columns of an entry. */
const ENTRY_BYTES = 10;

type CopyEntries = <T extends Uint32Array | Uint16Array>(from: T, to: T) => Generator<void, T>;

export class ByteTable {
  /** Entry numbers run from 0 to here; freed ones among them. */
  high = 0;
  /** Keys held. */
  size = 0;
  /** Bytes of their texts, as they are kept. */
  textBytes = 0;
  /** The same of keys that were removed and not released. */
  removedBytes = 0;
  #seed: number;
  readonly #slots = new HashSlots();
  #hashes = new Uint32Array(32);
  #addresses = new Uint32Array(32);
  #lengths = new Uint16Array(32);
  readonly #arena: TextArena;
  /** Those of the arena. */
  readonly #views: readonly DataView[];
  readonly #free = new NumberList();

  /** `arenaBytesMax` is how many bytes have an address, for tests. */
  constructor(seed: number, arenaBytesMax?: number) {
    this.#seed = seed;
    this.#arena = new TextArena(this.#addresses, this.#lengths, arenaBytesMax);
    this.#views = this.#arena.views;
  }

  /** Memory held by the table, whatever is in it. */
  get heldBytes(): number {
    return this.#arena.heldBytes + this.#slots.heldBytes + this.capacity * ENTRY_BYTES;
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
    // A number that was released has no length.
    return length > 0 && start + length <= end && this.#isAt(entry, view, start) ? length : -1;
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
    const from = (address & CHUNK_MASK) << WORD_BITS;
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
  *reserveInSteps(keys: number, copy: CopyEntries): Generator<void, void> {
    const needed = this.high + Math.max(0, keys - this.#free.length);
    let capacity = this.#hashes.length;
    while (capacity < needed) capacity *= 2;
    if (capacity === this.#hashes.length) return;
    this.#addresses = yield* copy(this.#addresses, new Uint32Array(capacity));
    this.#lengths = yield* copy(this.#lengths, new Uint16Array(capacity));
    // Its length is the capacity.
    this.#hashes = yield* copy(this.#hashes, new Uint32Array(capacity));
    this.#arena.ownedBy(this.#addresses, this.#lengths);
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
    const bytes = blockBytes(this.#lengths[entry]!);
    this.textBytes -= bytes;
    this.removedBytes += bytes;
  }

  /** Lets the number and the bytes of a removed entry be used again. */
  release(entry: number): void {
    this.#free.push(entry);
    // A number that was free when its table was restored has no key.
    if (this.#addresses[entry] === NOWHERE) return;
    this.removedBytes -= blockBytes(this.#lengths[entry]!);
    this.#arena.release(entry);
    this.#lengths[entry] = 0;
  }

  /** Closes gaps that released keys left, where there are too many; moves about so many bytes. */
  compact(bytes: number): void {
    this.#arena.compact(bytes);
  }

  /** Forgets all keys, and lets go of what many of them made grow. */
  clear(): void {
    this.high = 0;
    this.size = 0;
    this.#free.clear();
    this.textBytes = 0;
    this.removedBytes = 0;
    this.#arena.clear();
    this.#slots.clear(KEPT_SLOTS);
    if (this.#hashes.length <= KEPT_SLOTS) return;
    this.#hashes = new Uint32Array(32);
    this.#addresses = new Uint32Array(32);
    this.#lengths = new Uint16Array(32);
    this.#arena.ownedBy(this.#addresses, this.#lengths);
  }

  /**
   * The bytes of an entry: its chunk (as a view, too), and where in it, until a key is added or released. The chunk must not
   * be written to.
   */
  chunkOf(entry: number): Uint8Array {
    return this.#arena.bytes[this.#addresses[entry]! >>> CHUNK_BITS]!;
  }

  viewOf(entry: number): DataView {
    return this.#views[this.#addresses[entry]! >>> CHUNK_BITS]!;
  }

  offsetOf(entry: number): number {
    return (this.#addresses[entry]! & CHUNK_MASK) << WORD_BITS;
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

  /** The bytes of all keys, in parts of a chunk, with those of keys that are gone among them. */
  parts(): Iterable<Uint8Array> {
    return this.#arena.parts();
  }

  textOf(entry: number): string {
    const from = this.offsetOf(entry);
    return Buffer.from(this.chunkOf(entry).subarray(from, from + this.lengthOf(entry))).toString('utf8');
  }

  #put(entry: number, view: DataView, start: number, end: number, hash: number): void {
    const length = end - start;
    this.#arena.place(entry, view, start, length);
    this.#hashes[entry] = hash;
    this.#lengths[entry] = length;
    this.textBytes += blockBytes(length);
    this.#slots.add(entry, hash, this.#hashes);
    this.size += 1;
  }

  #isAt(entry: number, view: DataView, start: number): boolean {
    const address = this.#addresses[entry]!;
    const from = (address & CHUNK_MASK) << WORD_BITS;
    return sameBytes(this.#views[address >>> CHUNK_BITS]!, from, view, start, this.#lengths[entry]!);
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
    this.#arena.ownedBy(addresses, lengths);
  }
}
