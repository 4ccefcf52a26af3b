/**
 * Where the entries of a hash table stand: open addressing with linear probing, in segments of at most 16 KiB, so that no insertion has
 * to place millions of entries anew; small ones are not all full at the same time. A segment that is full is doubled, or split in two when it is as large as it may be
 * (extendible hashing: Fagin, Nievergelt, Pippenger, Strong, 1979).
 *
 *   directory   [ segment | segment | same segment | … ]    by some bits of the hash, from bit 16 on
 *   segment     [ 0 | entry+1 | 0 | … ]                      by its low bits; at most 60 % full
 */
export declare const SEGMENT_SLOTS_MAX: number;
export declare class HashSlots {
  #private;
  /** `segmentSlotsMax` is a power of two. */
  constructor(segmentSlotsMax?: number);
  /** The slots in which an entry of this hash stands, from `hash & (length - 1)` on up to the first 0, round the end. */
  segmentOf(hash: number): Uint32Array;
  /** Adds an entry. `hashes` are by entry, its own among them. */
  add(entry: number, hash: number, hashes: Uint32Array): void;
  remove(entry: number, hashes: Uint32Array): void;
  /** Forgets all entries, and lets go of what many of them made grow. `keptSlots` are written anew instead. */
  clear(keptSlots: number): void;
}
