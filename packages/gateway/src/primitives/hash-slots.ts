/**
 * Where the entries of a hash table stand: open addressing with linear probing, in segments of at most 16 KiB, so that no insertion has
 * to place millions of entries anew; small ones are not all full at the same time. A segment that is full is doubled, or split in two when it is as large as it may be
 * (extendible hashing: Fagin, Nievergelt, Pippenger, Strong, 1979).
 *
 *   directory   [ segment | segment | same segment | … ]    by some bits of the hash, from bit 16 on
 *   segment     [ 0 | entry+1 | 0 | … ]                      by its low bits; at most 60 % full
 */

const SEGMENT_SLOTS_MAX: number = 1 << 12;
const SEGMENT_SLOTS_MIN = 64;
/** Those below choose the place in a segment, those at the top may be the same in all of a table. */
const DIRECTORY_SHIFT = 16;
/** More bits of the hash than these are not used; segments past that are doubled again. */
const DEPTH_MAX = 14;

interface Segment {
  slots: Uint32Array;
  size: number;
  /** How many bits of the hash all its entries share. */
  depth: number;
}

const SLOT_BYTES = 4;

export class HashSlots {
  /** Memory of all segments. */
  heldBytes: number = SEGMENT_SLOTS_MIN * SLOT_BYTES;
  readonly #slotsMax: number;
  #directory: Segment[] = [newSegment(SEGMENT_SLOTS_MIN, 0)];
  /** The slots of each segment in the directory: one step less to them. */
  #slots: Uint32Array[] = this.#directory.map(({ slots }) => slots);
  #mask = 0;

  /** `segmentSlotsMax` is a power of two. */
  constructor(segmentSlotsMax: number = SEGMENT_SLOTS_MAX) {
    this.#slotsMax = segmentSlotsMax;
  }

  /** The slots in which an entry of this hash stands, from `hash & (length - 1)` on up to the first 0, round the end. */
  segmentOf(hash: number): Uint32Array {
    return this.#slots[(hash >>> DIRECTORY_SHIFT) & this.#mask]!;
  }

  /** Adds an entry. `hashes` are by entry, its own among them. */
  add(entry: number, hash: number, hashes: Uint32Array): void {
    let segment = this.#directory[(hash >>> DIRECTORY_SHIFT) & this.#mask]!;
    while ((segment.size + 1) * 5 > segment.slots.length * 3) {
      if (segment.slots.length < this.#slotsMax || segment.depth === DEPTH_MAX)
        this.#double(segment, hash, hashes);
      else this.#split(segment, hash, hashes);
      segment = this.#directory[(hash >>> DIRECTORY_SHIFT) & this.#mask]!;
    }
    occupy(segment.slots, entry, hash);
    segment.size += 1;
  }

  remove(entry: number, hashes: Uint32Array): void {
    const segment = this.#directory[(hashes[entry]! >>> DIRECTORY_SHIFT) & this.#mask]!;
    const { slots } = segment;
    const mask = slots.length - 1;
    let hole = hashes[entry]! & mask;
    while (slots[hole] !== entry + 1) {
      if (slots[hole] === 0) throw new Error(`BUG: key ${entry} is not in the table`);
      hole = (hole + 1) & mask;
    }
    // Close the gap: move back every later entry of the run that may stand in the hole.
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = 0;
    segment.size -= 1;
  }

  /** Forgets all entries, and lets go of what many of them made grow. `keptSlots` are written anew instead. */
  clear(keptSlots: number): void {
    const segment = this.#directory[0]!;
    if (this.#directory.length === 1 && segment.slots.length <= keptSlots) {
      segment.slots.fill(0);
      segment.size = 0;
      return;
    }
    this.#directory = [newSegment(SEGMENT_SLOTS_MIN, 0)];
    this.#slots = this.#directory.map(({ slots }) => slots);
    this.#mask = 0;
    this.heldBytes = SEGMENT_SLOTS_MIN * SLOT_BYTES;
  }

  #double(segment: Segment, hash: number, hashes: Uint32Array): void {
    const { slots } = segment;
    segment.slots = new Uint32Array(slots.length * 2);
    this.heldBytes += slots.length * SLOT_BYTES;
    for (const stored of slots) if (stored !== 0) occupy(segment.slots, stored - 1, hashes[stored - 1]!);
    this.#put(segment, hash);
  }

  #split(segment: Segment, hash: number, hashes: Uint32Array): void {
    const { slots, depth } = segment;
    if (2 ** depth === this.#directory.length) {
      this.#directory = [...this.#directory, ...this.#directory];
      this.#slots = [...this.#slots, ...this.#slots];
      this.#mask = this.#directory.length - 1;
    }
    this.heldBytes += slots.length * SLOT_BYTES;
    const halves = [newSegment(slots.length, depth + 1), newSegment(slots.length, depth + 1)] as const;
    for (const stored of slots) {
      if (stored === 0) continue;
      const its = hashes[stored - 1]!;
      const half = halves[((its >>> (DIRECTORY_SHIFT + depth)) & 1) as 0 | 1];
      occupy(half.slots, stored - 1, its);
      half.size += 1;
    }
    const bit = 2 ** (DIRECTORY_SHIFT + depth);
    this.#put(halves[0], hash & ~bit);
    this.#put(halves[1], hash | bit);
  }

  /** Puts a segment in all places of the directory that are for hashes which begin like this one. */
  #put(segment: Segment, hash: number): void {
    const stride = 2 ** segment.depth;
    for (let at = (hash >>> DIRECTORY_SHIFT) & (stride - 1); at <= this.#mask; at += stride) {
      this.#directory[at] = segment;
      this.#slots[at] = segment.slots;
    }
  }
}

function newSegment(slots: number, depth: number): Segment {
  return { slots: new Uint32Array(slots), size: 0, depth };
}

function occupy(slots: Uint32Array, entry: number, hash: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry + 1;
}
