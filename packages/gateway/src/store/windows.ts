/**
 * What gauges with a window hold: the largest or smallest value of the last five minutes, or however long the window is. It is cut into slots, of
 * each of which the extreme is kept, so that a series takes the same memory however often it is pushed:
 *
 *   ring   [ accumulator, length of a slot, newest slot | extreme of each slot ]     NaN where nothing came; slot s at s % SLOTS
 *
 * Slots are counted from the time 0 on, so those of all series end together. A value counts as long as its slot is one of the last SLOTS: for the
 * window at the least, and longer by a slot at the most.
 *
 * What the total of a series shows is the extreme of its ring, always. That time has passed is seen with the next push of the series, or when the
 * clock asks for it. Rings lie side by side without gaps; which of them a series has is nobody else's business.
 */
import { Paged } from '../primitives/paged.ts';
import type { GaugeRules } from './gauge-rules.ts';
import { AccumulatorKind } from './policies.ts';

/** Of a window. */
const SLICES = 12;
/** One more has begun. */
export const SLOTS: number = SLICES + 1;
const [ACCUMULATOR, SLOT_MS, NEWEST, VALUES] = [0, 1, 2, 3];
const RING = VALUES + SLOTS;
/** Rings of a chunk, which is copied where a snapshot reads it. */
const CHUNK_BITS = 8;
const CHUNK_RINGS = 1 << CHUNK_BITS;
/** A ring, and the place that says which it is. */
export const WINDOW_BYTES: number = RING * 8 + 8;

interface Chunk {
  numbers: Float64Array;
  /** A snapshot reads it: a copy takes its place before it is written to. */
  isFrozen: boolean;
}

interface WindowRing {
  readonly accumulator: number;
  readonly slotMs: number;
  readonly newest: number;
  /** By place in the ring. */
  readonly values: Float64Array;
}

/** Some rings, as columns. */
interface WindowRows {
  readonly accumulators: Uint32Array;
  readonly slotsMs: Float64Array;
  readonly newest: Float64Array;
  /** Those of one ring after those of another. */
  readonly values: Float64Array;
}

/** All rings at one point in time. */
export interface FrozenWindows {
  readonly size: number;
  readonly rows: (from: number, to: number) => WindowRows;
}

export class Windows {
  /** Another object where they are others. */
  rules: GaugeRules;
  /** Of accumulators: which of them are the largest value, and not the smallest. */
  readonly #of: { readonly kind: Uint8Array };
  readonly #chunks: Chunk[] = [];
  /** By accumulator. */
  readonly #ringOf = new Paged<number>();
  /** The time and the length of the slot that was last asked for: those of a push are mostly all the same, and it costs two divisions. */
  #nowMs = Number.NaN;
  #slotMs = Number.NaN;
  #slot = 0;
  /** In the ring. */
  #place = 0;

  constructor(rules: GaugeRules, of: { readonly kind: Uint8Array }) {
    this.rules = rules;
    this.#of = of;
  }

  /** How many series have a window. */
  get size(): number {
    return this.#ringOf.size;
  }

  get bytes(): number {
    return this.size * WINDOW_BYTES;
  }

  has(accumulator: number): boolean {
    return this.#ringOf.get(accumulator) !== undefined;
  }

  /** Of a ring by its place, from 0 to `size`. Where one goes, the last takes its place. */
  accumulatorAt(ring: number): number {
    return this.#numbers(ring)[at(ring) + ACCUMULATOR]!;
  }

  /** Whether a series has this window already. */
  hasWindow(accumulator: number, windowMs: number): boolean {
    const ring = this.#ringOf.get(accumulator);
    return ring !== undefined && this.#numbers(ring)[at(ring) + SLOT_MS] === slotMsOf(windowMs);
  }

  /** Gives a series a window of which nothing is known yet. */
  open(accumulator: number, windowMs: number): void {
    this.restore({ accumulator, slotMs: slotMsOf(windowMs), newest: 0, values: emptySlots });
  }

  restore({ accumulator, slotMs, newest, values }: WindowRing): void {
    const ring = this.#ringOf.get(accumulator) ?? this.size;
    if (ring >>> CHUNK_BITS === this.#chunks.length)
      this.#chunks.push({ numbers: new Float64Array(CHUNK_RINGS * RING), isFrozen: false });
    this.#ringOf.set(accumulator, ring);
    const numbers = this.#toWrite(ring);
    numbers.set([accumulator, slotMs, newest], at(ring));
    numbers.set(values, at(ring) + VALUES);
  }

  /** To be called when an accumulator is to be something else. */
  delete(accumulator: number): void {
    const ring = this.#ringOf.get(accumulator);
    if (ring === undefined) return;
    const last = this.size - 1;
    this.#ringOf.delete(accumulator);
    if (ring !== last) {
      const moved = this.#numbers(last).slice(at(last), at(last) + RING);
      this.#toWrite(ring).set(moved, at(ring));
      this.#ringOf.set(moved[ACCUMULATOR]!, ring);
    }
    this.#chunks.length = (last + CHUNK_RINGS - 1) >>> CHUNK_BITS;
  }

  /**
   * Takes a value into a series, if that has a window. Returns whether the window has moved on, so that the total is to be found anew; else it is
   * enough to combine it with the value.
   */
  put(accumulator: number, value: number, nowMs: number): boolean {
    const ring = this.#ringOf.get(accumulator);
    if (ring === undefined) return false;
    const numbers = this.#toWrite(ring);
    const from = at(ring);
    const hasMoved = this.#move(numbers, from, nowMs);
    const place = from + VALUES + this.#place;
    const known = numbers[place]!;
    // Where nothing is known it is NaN, of which no comparison is true.
    const isCovered = this.#isLargest(accumulator) ? known >= value : known <= value;
    if (!isCovered) numbers[place] = value;
    return hasMoved;
  }

  /** Lets go of what is over by now. */
  advance(accumulator: number, nowMs: number): void {
    const ring = this.#ringOf.get(accumulator)!;
    this.#move(this.#toWrite(ring), at(ring), nowMs);
  }

  /** NaN where there is no value. */
  extremeOf(accumulator: number): number {
    const ring = this.#ringOf.get(accumulator)!;
    return this.#extreme(accumulator, ring, SLOTS);
  }

  /**
   * When the total changes if nobody pushes the series: when the last slot is over that has the extreme. With `sinceMs` that of what is not over then.
   * Infinity where nothing is left then; -Infinity for a ring without a value, which is due.
   */
  dueMsOf(accumulator: number, sinceMs?: number): number {
    const ring = this.#ringOf.get(accumulator)!;
    const numbers = this.#numbers(ring);
    const [slotMs, newest] = [numbers[at(ring) + SLOT_MS]!, numbers[at(ring) + NEWEST]!];
    const passed = sinceMs === undefined ? 0 : Math.floor(sinceMs / slotMs) - newest;
    const extreme = this.#extreme(accumulator, ring, SLOTS - Math.max(passed, 0));
    if (Number.isNaN(extreme)) return sinceMs === undefined ? Number.NEGATIVE_INFINITY : Infinity;
    let [age, place] = [0, newest % SLOTS];
    for (; numbers[at(ring) + VALUES + place] !== extreme; age += 1) place = before(place);
    return (newest - age + SLOTS) * slotMs;
  }

  ringOf(accumulator: number): WindowRing | undefined {
    const ring = this.#ringOf.get(accumulator);
    return ring === undefined ? undefined : readRing(this.#numbers(ring), at(ring));
  }

  /** All rings as they are now, to be read while they go on changing; call `thaw` when they have been read. */
  freeze(): FrozenWindows {
    const chunks = this.#chunks.map((chunk) => {
      chunk.isFrozen = true;
      return chunk.numbers;
    });
    return { size: this.size, rows: (from, to) => rowsOf(chunks, from, to) };
  }

  thaw(): void {
    for (const chunk of this.#chunks) chunk.isFrozen = false;
  }

  /** Of the newest slots, so many. */
  #extreme(accumulator: number, ring: number, slots: number): number {
    const numbers = this.#numbers(ring);
    const isLargest = this.#isLargest(accumulator);
    let extreme = Number.NaN;
    let place = slots < SLOTS ? numbers[at(ring) + NEWEST]! % SLOTS : 0;
    for (let i = 0; i < slots; i += 1) {
      const value = numbers[at(ring) + VALUES + place]!;
      if (extreme !== extreme || (isLargest ? value > extreme : value < extreme)) extreme = value;
      place = before(place);
    }
    return extreme;
  }

  #isLargest(accumulator: number): boolean {
    return this.#of.kind[accumulator] === AccumulatorKind.MAXIMUM;
  }

  /** Begins the slot of a time, if that is a later one, and empties those that are over; whether it has. `#place` is then that of the newest slot. */
  #move(numbers: Float64Array, ring: number, nowMs: number): boolean {
    const slotMs = numbers[ring + SLOT_MS]!;
    const newest = numbers[ring + NEWEST]!;
    if (nowMs !== this.#nowMs || slotMs !== this.#slotMs) this.#ask(nowMs, slotMs);
    const slot = this.#slot;
    if (slot === newest) return false;
    if (slot < newest) {
      // As if no time had passed.
      this.#ask(newest * slotMs, slotMs);
      return false;
    }
    for (let begun = Math.max(newest + 1, slot - SLICES); begun <= slot; begun += 1)
      numbers[ring + VALUES + (begun % SLOTS)] = Number.NaN;
    numbers[ring + NEWEST] = slot;
    return true;
  }

  #ask(nowMs: number, slotMs: number): void {
    this.#nowMs = nowMs;
    this.#slotMs = slotMs;
    this.#slot = Math.floor(nowMs / slotMs);
    this.#place = this.#slot % SLOTS;
  }

  #numbers(ring: number): Float64Array {
    return this.#chunks[ring >>> CHUNK_BITS]!.numbers;
  }

  #toWrite(ring: number): Float64Array {
    const chunk = this.#chunks[ring >>> CHUNK_BITS]!;
    if (chunk.isFrozen) {
      chunk.numbers = chunk.numbers.slice();
      chunk.isFrozen = false;
    }
    return chunk.numbers;
  }
}

export const noWindows: FrozenWindows = {
  size: 0,
  rows: (from, to) => rowsOf([], from, to),
};

const emptySlots = new Float64Array(SLOTS).fill(Number.NaN);

/** Where a ring begins in its chunk. */
function at(ring: number): number {
  return (ring & (CHUNK_RINGS - 1)) * RING;
}

/** The place of the slot before. */
function before(place: number): number {
  return place === 0 ? SLICES : place - 1;
}

/** So that slots end at whole milliseconds. */
function slotMsOf(windowMs: number): number {
  return Math.ceil(windowMs / SLICES);
}

function readRing(numbers: Float64Array, ring: number): WindowRing {
  return {
    accumulator: numbers[ring + ACCUMULATOR]!,
    slotMs: numbers[ring + SLOT_MS]!,
    newest: numbers[ring + NEWEST]!,
    values: numbers.slice(ring + VALUES, ring + RING),
  };
}

function rowsOf(chunks: readonly Float64Array[], from: number, to: number): WindowRows {
  const accumulators = new Uint32Array(to - from);
  const slotsMs = new Float64Array(to - from);
  const newest = new Float64Array(to - from);
  const values = new Float64Array((to - from) * SLOTS);
  for (let i = 0; i < to - from; i += 1) {
    const numbers = chunks[(from + i) >>> CHUNK_BITS]!;
    const ring = at(from + i);
    accumulators[i] = numbers[ring + ACCUMULATOR]!;
    slotsMs[i] = numbers[ring + SLOT_MS]!;
    newest[i] = numbers[ring + NEWEST]!;
    for (let place = 0; place < SLOTS; place += 1)
      values[i * SLOTS + place] = numbers[ring + VALUES + place]!;
  }
  return { accumulators, slotsMs, newest, values };
}
