/**
 * What each source contributes: two columns, accumulators and values, packed into chunks, so that a contribution costs its twelve
 * bytes and little more, whether the sources are few and large or many and small.
 *
 *   chunk   [ block | block | gap | block | … unused ]    512 KiB, in slots of 8 bytes
 *   block   [ owner, length | value … | accumulator, accumulator … ]    one slot, `length` slots, half as many
 *
 * A block is exactly as long as what it holds, so it gives up its place when that number changes. The gaps are won back by moving
 * what is left in the emptiest chunk to the end of the newest: at most one chunk with each change, a fraction of a
 * millisecond, and so often that gaps never come to more than a quarter of the blocks, and two chunks.
 */

import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';

const CHUNK_SLOTS = 1 << 16;
const SLOT_BYTES = 8;
/** A longer block has a chunk for itself; so little is lost where a block no longer fits into a chunk. */
const SHARED_SLOTS_MAX = CHUNK_SLOTS / 16;
const PAGE_BITS = 12;
const PAGE_OWNERS = 1 << PAGE_BITS;
/** The owner of a gap. */
const NOBODY = -1;
/** Chunk 0 holds nothing but an empty block: what those have who have nothing. */
const NOTHING = 0;

interface Chunk {
  /** Two views of the same bytes. */
  doubles: Float64Array;
  ints: Int32Array;
  /** Whether many blocks lie in it, or a long one alone. */
  readonly shared: boolean;
  /** Slots given out, gaps among them. */
  used: number;
  /** Slots of blocks. */
  live: number;
  /** A snapshot reads it: a copy takes its place before what it held then is written to. */
  frozen: boolean;
}

interface FrozenBlock {
  readonly owner: number;
  readonly length: number;
  readonly valuesAt: number;
  readonly accumulatorsAt: number;
}

/** As many of both as `length`, or more. */
interface Columns {
  readonly accumulators: Int32Array;
  readonly values: Float64Array;
  readonly length: number;
}

/** A chunk at one point in time. */
export interface FrozenChunk {
  /** `length` of `values` from `valuesAt`, of `accumulators` from `accumulatorsAt`. */
  blocks(): Iterable<FrozenBlock>;
  readonly values: Float64Array;
  readonly accumulators: Int32Array;
  /** To be called when it has been read, so that it need not be copied any more. */
  done(): void;
}

export class Contributions {
  /** The columns of the owner last opened: `length` of `values` from `valuesAt`, of `accumulators` from `accumulatorsAt`. */
  length = 0;
  values: Float64Array;
  valuesAt = 1;
  accumulators: Int32Array;
  accumulatorsAt = 2;
  readonly #chunks: Chunk[];
  /** Numbers of chunks that are gone, to be used again. */
  readonly #vacant: number[] = [];
  /** An empty chunk at hand, so that steady change does not make and drop one after another. */
  #spare: Chunk | undefined;
  /** The chunk that new blocks go to. */
  #newest = NOTHING;
  /** By owner, in pages: chunk × `CHUNK_SLOTS` + slot of its block. A long block has a chunk alone, so 32 bits do not do. */
  readonly #addresses: Float64Array[] = [];
  /** Slots of all shared chunks, and of the blocks in them. */
  #sharedSlots = 0;
  #sharedLive = 0;
  #longSlots = 0;

  constructor() {
    const nothing = newChunk(1, false);
    nothing.used = 1;
    this.#chunks = [nothing];
    this.values = nothing.doubles;
    this.accumulators = nothing.ints;
  }

  /** Bytes held for blocks and gaps. */
  get bytes(): number {
    const spare = this.#spare === undefined ? 0 : CHUNK_SLOTS;
    return (this.#sharedSlots + this.#longSlots + spare) * SLOT_BYTES;
  }

  /** Bytes of what owners have, gaps apart. */
  get liveBytes(): number {
    return (this.#sharedLive + this.#longSlots) * SLOT_BYTES;
  }

  /** Points the public fields at what the owner has. They hold until the next `openToWrite` or `replace`. */
  open(owner: number): void {
    const address = this.#addressOf(owner);
    const { doubles, ints } = this.#chunks[chunkOf(address)]!;
    const at = address % CHUNK_SLOTS;
    const length = ints[at * 2 + 1]!;
    this.length = length;
    this.values = doubles;
    this.valuesAt = at + 1;
    this.accumulators = ints;
    this.accumulatorsAt = (at + 1 + length) * 2;
  }

  /** The same, and values may be written. */
  openToWrite(owner: number): void {
    const chunk = this.#chunks[chunkOf(this.#addressOf(owner))]!;
    if (chunk.frozen) own(chunk);
    this.open(owner);
  }

  /** The same for an owner who may have much. */
  *openToWriteInSteps(owner: number, pace: Pace): Generator<void, void> {
    const chunk = this.#chunks[chunkOf(this.#addressOf(owner))]!;
    if (chunk.frozen)
      use(chunk, yield* copyColumn(pace, chunk.doubles, new Float64Array(chunk.doubles.length)));
    this.open(owner);
  }

  /**
   * All chunks as they are now, to be read while owners go on: memory for it is at most one copy of each chunk, made when a
   * block in it is first changed or given up before it has been read. New blocks lie behind those that are read.
   */
  freeze(): FrozenChunk[] {
    const nothing = this.#chunks[NOTHING]!;
    return this.#chunks.filter((chunk) => chunk !== nothing).map((chunk) => frozenChunk(chunk));
  }

  /** What the owner has becomes the first `length` entries of these columns, and is open then. None is to have nothing. */
  *replace(owner: number, { accumulators, values, length }: Columns, pace: Pace): Generator<void, void> {
    this.#resize(owner, length);
    for (let from = 0; from < length; from += pace.rows) {
      const to = Math.min(from + pace.rows, length);
      for (let i = from; i < to; i += 1) this.values[this.valuesAt + i] = values[i]!;
      for (let i = from; i < to; i += 1) this.accumulators[this.accumulatorsAt + i] = accumulators[i]!;
      if (to < length && pace.isFull(to - from)) yield;
    }
  }

  /** Opens a block of this length, in which anything may stand. */
  #resize(owner: number, length: number): void {
    this.open(owner);
    const chunk = this.#chunks[chunkOf(this.#addressOf(owner))]!;
    // A long block that a snapshot reads is left to it rather than copied.
    if (length === this.length && (chunk.shared || !chunk.frozen)) {
      this.openToWrite(owner);
      return;
    }
    if (this.length > 0) this.#free(owner);
    if (length > 0) this.#allocate(owner, length);
    this.open(owner);
  }

  #addressOf(owner: number): number {
    const page = this.#addresses[owner >>> PAGE_BITS];
    return page === undefined ? NOTHING : page[owner & (PAGE_OWNERS - 1)]!;
  }

  #setAddress(owner: number, address: number): void {
    const page = owner >>> PAGE_BITS;
    while (this.#addresses.length <= page) this.#addresses.push(new Float64Array(PAGE_OWNERS));
    this.#addresses[page]![owner & (PAGE_OWNERS - 1)] = address;
  }

  #allocate(owner: number, length: number): void {
    const slots = slotsFor(length);
    let index = this.#newest;
    if (slots > SHARED_SLOTS_MAX) {
      index = this.#addChunk(newChunk(slots, false));
      this.#longSlots += slots;
    } else {
      const newest = this.#chunks[index]!;
      if (!newest.shared || newest.used + slots > CHUNK_SLOTS) {
        index = this.#addChunk(this.#spare ?? newChunk(CHUNK_SLOTS, true));
        this.#spare = undefined;
        this.#newest = index;
        this.#sharedSlots += CHUNK_SLOTS;
      }
      this.#sharedLive += slots;
    }
    const chunk = this.#chunks[index]!;
    const at = chunk.used;
    chunk.used += slots;
    chunk.live += slots;
    chunk.ints[at * 2] = owner;
    chunk.ints[at * 2 + 1] = length;
    this.#setAddress(owner, index * CHUNK_SLOTS + at);
  }

  /** Makes the block of an owner who has one a gap. */
  #free(owner: number): void {
    const address = this.#addressOf(owner);
    const index = chunkOf(address);
    const chunk = this.#chunks[index]!;
    this.#setAddress(owner, NOTHING);
    if (!chunk.shared) {
      this.#longSlots -= chunk.used;
      this.#dropChunk(index);
      return;
    }
    if (chunk.frozen) own(chunk);
    const at = address % CHUNK_SLOTS;
    const slots = slotsFor(chunk.ints[at * 2 + 1]!);
    chunk.ints[at * 2] = NOBODY;
    chunk.live -= slots;
    this.#sharedLive -= slots;
    const gaps = this.#sharedSlots - this.#sharedLive;
    if (gaps > this.#sharedLive / 4 + CHUNK_SLOTS * 2) this.#evacuate(this.#emptiestChunk());
  }

  #emptiestChunk(): number {
    let emptiest = NOTHING;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 1; index < this.#chunks.length; index += 1) {
      const { shared, live } = this.#chunks[index]!;
      if (!shared || index === this.#newest || live >= least) continue;
      emptiest = index;
      least = live;
    }
    return emptiest;
  }

  /** Moves all blocks of a chunk to the newest one, and drops the chunk. */
  #evacuate(index: number): void {
    const { ints, used, live } = this.#chunks[index]!;
    this.#sharedLive -= live;
    this.#sharedSlots -= CHUNK_SLOTS;
    for (let at = 0; at < used;) {
      const owner = ints[at * 2]!;
      const length = ints[at * 2 + 1]!;
      const slots = slotsFor(length);
      if (owner !== NOBODY) {
        this.#allocate(owner, length);
        const address = this.#addressOf(owner);
        const to = this.#chunks[chunkOf(address)]!.ints;
        const toAt = (address % CHUNK_SLOTS) * 2;
        for (let i = 2; i < slots * 2; i += 1) to[toAt + i] = ints[at * 2 + i]!;
      }
      at += slots;
    }
    this.#dropChunk(index);
  }

  #addChunk(chunk: Chunk): number {
    const index = this.#vacant.pop() ?? this.#chunks.length;
    this.#chunks[index] = chunk;
    return index;
  }

  #dropChunk(index: number): void {
    const chunk = this.#chunks[index]!;
    this.#chunks[index] = this.#chunks[NOTHING]!;
    this.#vacant.push(index);
    if (!chunk.shared || chunk.frozen || this.#spare !== undefined) return;
    chunk.used = 0;
    chunk.live = 0;
    this.#spare = chunk;
  }
}

function newChunk(slots: number, shared: boolean): Chunk {
  const doubles = new Float64Array(slots);
  return { doubles, ints: new Int32Array(doubles.buffer), shared, used: 0, live: 0, frozen: false };
}

/** Leaves the bytes of a chunk to a snapshot, and goes on with a copy. */
function own(chunk: Chunk): void {
  use(chunk, chunk.doubles.slice());
}

function use(chunk: Chunk, copy: Float64Array): void {
  chunk.doubles = copy;
  chunk.ints = new Int32Array(copy.buffer);
  chunk.frozen = false;
}

function frozenChunk(chunk: Chunk): FrozenChunk {
  const { doubles, ints, used } = chunk;
  chunk.frozen = true;
  return {
    values: doubles,
    accumulators: ints,
    *blocks() {
      for (let at = 0; at < used;) {
        const owner = ints[at * 2]!;
        const length = ints[at * 2 + 1]!;
        if (owner !== NOBODY)
          yield { owner, length, valuesAt: at + 1, accumulatorsAt: (at + 1 + length) * 2 };
        at += slotsFor(length);
      }
    },
    done(): void {
      if (chunk.doubles === doubles) chunk.frozen = false;
    },
  };
}

function chunkOf(address: number): number {
  return Math.floor(address / CHUNK_SLOTS);
}

function slotsFor(length: number): number {
  return 1 + length + ((length + 1) >>> 1);
}

/** Bytes of what an owner has who has so many contributions. */
export function contributionBytes(length: number): number {
  return length === 0 ? 0 : slotsFor(length) * SLOT_BYTES;
}
