/**
 * What each source contributes: two columns, accumulators and values, packed into chunks, so that a contribution costs four to
 * twelve bytes and little more, whether the sources are few and large or many and small.
 *
 *   chunk   [ block | block | gap | block | … unused ]    512 KiB, in slots of 8 bytes
 *   block   [ owner, head | value … | accumulators ]      the head says how long and how wide it is
 *   long    [ owner, length | value … | accumulator … ]   alone in a chunk
 *
 * Values that are all whole numbers below 2^32 have 4 bytes each in a block, and 8 as soon as one of them is not. Accumulators
 * stand as runs (packed-runs.ts), and are unpacked when they are asked for, which takes a microsecond at most. A long block has both as
 * they are, as it is read and changed in steps.
 *
 * A block is exactly as long as what it holds, so it gives up its place when that changes. The gaps are won back by moving
 * what is left in the emptiest chunk to the end of the newest: at most one chunk with each change, a fraction of a
 * millisecond, and so often that gaps never come to more than a quarter of the blocks, and two chunks.
 */

import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import { pack, unpack } from './packed-runs.ts';

const CHUNK_SLOTS = 1 << 16;
const SLOT_BYTES = 8;
/** What might need a longer block has a chunk for itself; so little is lost where a block no longer fits into a chunk. */
const SHARED_SLOTS_MAX = CHUNK_SLOTS / 16;
/** So many contributions never need more, whatever they are. */
const SHARED_LENGTH_MAX = Math.floor(((SHARED_SLOTS_MAX - 1) * 2) / 3);
/** The head of a block in a shared chunk: slots, length, and 1 if it is narrow. */
const [SLOTS_SHIFT, LENGTH_SHIFT, LENGTH_MASK] = [13, 1, 0xfff];
const PAGE_BITS = 12;
const PAGE_OWNERS = 1 << PAGE_BITS;
/** The owner of a gap. */
const NOBODY = -1;
/** Chunk 0 holds nothing but an empty block: what those have who have nothing. */
const NOTHING = 0;

/** Values as they lie: narrow ones are whole numbers. */
type Values = Float64Array | Uint32Array;

interface Chunk {
  /** Three views of the same bytes. */
  doubles: Float64Array;
  ints: Int32Array;
  wholes: Uint32Array;
  /** Whether many blocks lie in it, or a long one alone. */
  readonly shared: boolean;
  /** Slots given out, gaps among them. */
  used: number;
  /** Slots of blocks. */
  live: number;
  /** A snapshot reads it: a copy takes its place before what it held then is written to. */
  frozen: boolean;
}

/** `length` of `values` from `valuesAt`, of `accumulators` from `accumulatorsAt`. Valid until the next block is asked for. */
interface FrozenBlock {
  readonly owner: number;
  readonly length: number;
  readonly values: Values;
  readonly valuesAt: number;
  readonly accumulators: Int32Array;
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
  blocks(): Iterable<FrozenBlock>;
  /** To be called when it has been read, so that it need not be copied any more. */
  done(): void;
}

export class Contributions {
  /** The columns of the owner last opened: `length` of `values` from `valuesAt`, of `accumulators` from `accumulatorsAt`. */
  length = 0;
  values: Values;
  valuesAt = 1;
  accumulatorsAt = 2;
  /** Whether there is room for nothing but whole numbers (see `isWhole`). */
  isNarrow = false;
  #owner = NOBODY;
  /** Where the accumulators of what is open are, and the first of their words where they are packed. */
  #words: Int32Array;
  #wordsAt = NOTHING;
  /** Accumulators of the owner whose block was unpacked last. */
  readonly #unpacked = new Int32Array(SHARED_LENGTH_MAX);
  #unpackedOwner = NOBODY;
  readonly #packed = new Int32Array(SHARED_LENGTH_MAX);
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
  #liveBytes = 0;

  constructor() {
    const nothing = newChunk(1, false);
    this.#chunks = [nothing];
    this.values = nothing.doubles;
    this.#words = nothing.ints;
  }

  /** Bytes held for blocks and gaps. */
  get bytes(): number {
    const spare = this.#spare === undefined ? 0 : CHUNK_SLOTS;
    return (this.#sharedSlots + this.#longSlots + spare) * SLOT_BYTES;
  }

  /** Bytes of what owners have, gaps apart: what it takes at the most (see `contributionBytes`). */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** How much the owner has, whoever is open. */
  lengthOf(owner: number): number {
    const address = this.#addressOf(owner);
    return lengthAt(this.#chunks[chunkOf(address)]!, slotOf(address));
  }

  /** Points the public fields at what the owner has. They hold until another owner is opened, or anything is replaced. */
  open(owner: number): void {
    this.#openAt(owner, this.#addressOf(owner));
  }

  #openAt(owner: number, address: number): void {
    const chunk = this.#chunks[chunkOf(address)]!;
    const at = slotOf(address);
    if (!chunk.shared) {
      this.length = lengthAt(chunk, at);
      this.isNarrow = false;
      this.values = chunk.doubles;
      this.valuesAt = at + 1;
      this.#words = chunk.ints;
      this.#wordsAt = NOTHING;
      this.accumulatorsAt = (at + 1 + this.length) * 2;
      return;
    }
    const head = chunk.ints[at * 2 + 1]!;
    const narrow = isNarrow(head);
    this.length = lengthIn(head);
    this.isNarrow = narrow;
    this.values = narrow ? chunk.wholes : chunk.doubles;
    this.valuesAt = valuesIn(narrow, at);
    this.#words = chunk.ints;
    this.#wordsAt = runsAt(head, at);
    this.accumulatorsAt = 0;
    this.#owner = owner;
  }

  /** Unpacked when they are asked for: many look at nothing but values, or the length. */
  get accumulators(): Int32Array {
    if (this.#wordsAt === NOTHING) return this.#words;
    if (this.#unpackedOwner !== this.#owner) {
      unpack(this.#words, this.#wordsAt, this.#unpacked, this.length);
      this.#unpackedOwner = this.#owner;
    }
    return this.#unpacked;
  }

  /** The same, and values may be written: of those that are narrow, none that is not whole. Others are for `replace`. */
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
  *replace(owner: number, columns: Columns, pace: Pace): Generator<void, void> {
    const { accumulators, values, length } = columns;
    this.#liveBytes += contributionBytes(length) - contributionBytes(this.lengthOf(owner));
    if (length <= SHARED_LENGTH_MAX) {
      this.#put(owner, columns);
      return;
    }
    this.#resizeLong(owner, length);
    for (let from = 0; from < length; from += pace.rows) {
      const to = Math.min(from + pace.rows, length);
      for (let i = from; i < to; i += 1) this.values[this.valuesAt + i] = values[i]!;
      for (let i = from; i < to; i += 1) this.accumulators[this.accumulatorsAt + i] = accumulators[i]!;
      if (to < length && pace.isFull(to - from)) yield;
    }
  }

  /** Opens a long block of this length, in which anything may stand. */
  #resizeLong(owner: number, length: number): void {
    const chunk = this.#chunks[chunkOf(this.#addressOf(owner))]!;
    // One that a snapshot reads is left to it rather than copied.
    if (chunk.shared || chunk.frozen || length !== this.lengthOf(owner)) {
      this.#free(owner);
      this.#allocateLong(owner, length);
    }
    this.open(owner);
  }

  /** Gives an owner a block in a shared chunk, or none where there is nothing to put there. */
  #put(owner: number, { accumulators, values, length }: Columns): void {
    this.#unpackedOwner = NOBODY;
    if (length === 0) {
      this.#free(owner);
      this.open(owner);
      return;
    }
    const words = pack(accumulators, length, this.#packed);
    const narrow = areWhole(values, length);
    const slots = packedSlots(length, narrow, words);
    const address = this.#resize(owner, slots);
    const at = slotOf(address);
    const { doubles, wholes, ints } = this.#chunks[chunkOf(address)]!;
    const head = headOf(slots, length, narrow);
    ints[at * 2 + 1] = head;
    const valuesAt = valuesIn(narrow, at);
    if (narrow) for (let i = 0; i < length; i += 1) wholes[valuesAt + i] = values[i]!;
    else for (let i = 0; i < length; i += 1) doubles[valuesAt + i] = values[i]!;
    const to = runsAt(head, at);
    for (let i = 0; i < words; i += 1) ints[to + i] = this.#packed[i]!;
    this.#openAt(owner, address);
  }

  /** Gives an owner a block of so many slots in a shared chunk, in which anything may stand; returns its address. */
  #resize(owner: number, slots: number): number {
    const address = this.#addressOf(owner);
    const chunk = this.#chunks[chunkOf(address)]!;
    if (chunk.shared && slots === slotsAt(chunk, slotOf(address))) {
      if (chunk.frozen) own(chunk);
      return address;
    }
    this.#free(owner);
    return this.#allocate(owner, slots);
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

  /** A block in a shared chunk, of which the head is to be written; returns its address. */
  #allocate(owner: number, slots: number): number {
    const newest = this.#chunks[this.#newest]!;
    if (!newest.shared || newest.used + slots > CHUNK_SLOTS) {
      this.#newest = this.#addChunk(this.#spare ?? newChunk(CHUNK_SLOTS, true));
      this.#spare = undefined;
      this.#sharedSlots += CHUNK_SLOTS;
    }
    this.#sharedLive += slots;
    return this.#take(owner, this.#newest, slots);
  }

  #allocateLong(owner: number, length: number): void {
    const slots = slotsFor(length);
    const index = this.#addChunk(newChunk(slots, false));
    this.#longSlots += slots;
    this.#take(owner, index, slots);
    this.#chunks[index]!.ints[1] = length;
  }

  #take(owner: number, index: number, slots: number): number {
    const chunk = this.#chunks[index]!;
    const at = chunk.used;
    chunk.used += slots;
    chunk.live += slots;
    chunk.ints[at * 2] = owner;
    const address = index * CHUNK_SLOTS + at;
    this.#setAddress(owner, address);
    return address;
  }

  /** Makes the block of an owner a gap, where there is one. */
  #free(owner: number): void {
    const address = this.#addressOf(owner);
    if (address === NOTHING) return;
    const index = chunkOf(address);
    const chunk = this.#chunks[index]!;
    this.#setAddress(owner, NOTHING);
    if (!chunk.shared) {
      this.#longSlots -= chunk.used;
      this.#dropChunk(index);
      return;
    }
    if (chunk.frozen) own(chunk);
    const at = slotOf(address);
    const slots = slotsAt(chunk, at);
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
    const chunk = this.#chunks[index]!;
    const { ints, used, live } = chunk;
    this.#sharedLive -= live;
    this.#sharedSlots -= CHUNK_SLOTS;
    for (let at = 0; at < used;) {
      const owner = ints[at * 2]!;
      const slots = slotsAt(chunk, at);
      if (owner !== NOBODY) {
        const address = this.#allocate(owner, slots);
        const to = this.#chunks[chunkOf(address)]!.ints;
        const toAt = slotOf(address) * 2;
        for (let i = 1; i < slots * 2; i += 1) to[toAt + i] = ints[at * 2 + i]!;
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
  return { ...viewsOf(new Float64Array(slots)), shared, used: 0, live: 0, frozen: false };
}

function viewsOf(doubles: Float64Array): Pick<Chunk, 'doubles' | 'ints' | 'wholes'> {
  const { buffer } = doubles;
  return { doubles, ints: new Int32Array(buffer), wholes: new Uint32Array(buffer) };
}

/** Leaves the bytes of a chunk to a snapshot, and goes on with a copy. */
function own(chunk: Chunk): void {
  use(chunk, chunk.doubles.slice());
}

function use(chunk: Chunk, copy: Float64Array): void {
  Object.assign(chunk, viewsOf(copy));
  chunk.frozen = false;
}

function frozenChunk(chunk: Chunk): FrozenChunk {
  const { doubles } = chunk;
  const then: Chunk = { ...chunk };
  chunk.frozen = true;
  return {
    blocks: () => (then.shared ? packedBlocks(then) : longBlock(then)),
    done(): void {
      if (chunk.doubles === doubles) chunk.frozen = false;
    },
  };
}

function* packedBlocks(chunk: Chunk): Generator<FrozenBlock> {
  const { doubles, wholes, ints, used } = chunk;
  const accumulators = new Int32Array(SHARED_LENGTH_MAX);
  for (let at = 0; at < used; at += slotsAt(chunk, at)) {
    const owner = ints[at * 2]!;
    const head = ints[at * 2 + 1]!;
    if (owner === NOBODY) continue;
    const length = lengthIn(head);
    const narrow = isNarrow(head);
    const values: Values = narrow ? wholes : doubles;
    unpack(ints, runsAt(head, at), accumulators, length);
    yield { owner, length, values, valuesAt: valuesIn(narrow, at), accumulators, accumulatorsAt: 0 };
  }
}

function* longBlock(chunk: Chunk): Generator<FrozenBlock> {
  const { doubles: values, ints: accumulators } = chunk;
  const [owner, length] = [accumulators[0]!, accumulators[1]!];
  yield { owner, length, values, valuesAt: 1, accumulators, accumulatorsAt: (1 + length) * 2 };
}

function chunkOf(address: number): number {
  return (address / CHUNK_SLOTS) | 0;
}

/** Not by `%`, which is slow where numbers have more than 32 bits. */
function slotOf(address: number): number {
  return (address - chunkOf(address) * CHUNK_SLOTS) | 0;
}

function lengthAt({ ints, shared }: Chunk, at: number): number {
  const head = ints[at * 2 + 1]!;
  return shared ? lengthIn(head) : head;
}

/** Of a block in a shared chunk. */
function slotsAt({ ints }: Chunk, at: number): number {
  return ints[at * 2 + 1]! >>> SLOTS_SHIFT;
}

function headOf(slots: number, length: number, narrow: boolean): number {
  return (slots << SLOTS_SHIFT) | (length << LENGTH_SHIFT) | (narrow ? 1 : 0);
}

function lengthIn(head: number): number {
  return (head >>> LENGTH_SHIFT) & LENGTH_MASK;
}

function isNarrow(head: number): boolean {
  return (head & 1) !== 0;
}

/** Where the values of a block begin, in numbers of their width. */
function valuesIn(narrow: boolean, at: number): number {
  return narrow ? (at + 1) * 2 : at + 1;
}

/** Where the accumulators of a block begin, in words. */
function runsAt(head: number, at: number): number {
  return (at + 1) * 2 + (isNarrow(head) ? 1 : 2) * lengthIn(head);
}

function packedSlots(length: number, narrow: boolean, words: number): number {
  return 1 + ((length * (narrow ? 1 : 2) + words + 1) >>> 1);
}

/** Whether a value is a whole number below 2^32, and not the zero that has a sign. */
export function isWhole(value: number): boolean {
  return value === value >>> 0 && (value !== 0 || 1 / value > 0);
}

function areWhole(values: Float64Array, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (!isWhole(values[i]!)) return false;
  return true;
}

/** As they are, not packed. */
function slotsFor(length: number): number {
  return 1 + length + ((length + 1) >>> 1);
}

/**
 * Bytes of what an owner has who has so many contributions, at the most. What is packed takes less as long as its values and its order
 * allow; as a source may push others at any time, limits count this.
 */
export function contributionBytes(length: number): number {
  return length === 0 ? 0 : slotsFor(length) * SLOT_BYTES;
}
