/**
 * Numbers in order, each of which can be taken out again, and with each a value: as chunks of a few hundred in a list. To put one in, or take
 * one out, moves a part of one chunk, however many there are: no step is long.
 *
 *   chunks   [ 1 3 4 7 … ] [ 9 9 12 … ] [ 15 … ]     ranks ascending; beside each chunk one of values, where they are others than the ranks
 */

const CHUNK = 512;
/** What is taken out leaves chunks at least so full, together with the one beside it. */
const MERGED = CHUNK / 2;
const FIRST = 4;

interface Chunk {
  ranks: Float64Array;
  /** Undefined where values are the ranks. */
  values: Float64Array | undefined;
  length: number;
}

export class Ranking {
  length = 0;
  readonly #hasValues: boolean;
  readonly #chunks: Chunk[] = [];

  constructor({ hasValues }: { readonly hasValues: boolean }) {
    this.#hasValues = hasValues;
  }

  get highest(): number {
    const { ranks, length } = this.#chunks.at(-1)!;
    return ranks[length - 1]!;
  }

  /** The value of the highest. */
  get highestValue(): number {
    const { ranks, values, length } = this.#chunks.at(-1)!;
    return (values ?? ranks)[length - 1]!;
  }

  add(rank: number, value: number): void {
    this.length += 1;
    if (this.#chunks.length === 0) this.#chunks.push(this.#newChunk(FIRST));
    let index = this.#chunkFor(rank);
    let chunk = this.#chunks[index]!;
    if (chunk.length === CHUNK) {
      index = this.#split(index, rank);
      chunk = this.#chunks[index]!;
    } else if (chunk.length === chunk.ranks.length) this.#grow(chunk);
    insert(chunk, placeIn(chunk, rank), rank, value);
  }

  /** Takes one out that is there. */
  remove(rank: number): void {
    const index = this.#chunkFor(rank);
    const chunk = this.#chunks[index];
    const at = chunk === undefined ? -1 : placeIn(chunk, rank);
    if (chunk === undefined || chunk.ranks[at] !== rank || at >= chunk.length)
      throw new Error('BUG: a number is taken out that is not there');
    this.#removeAt(index, at);
  }

  removeHighest(): void {
    const index = this.#chunks.length - 1;
    this.#removeAt(index, this.#chunks[index]!.length - 1);
  }

  #removeAt(index: number, at: number): void {
    const chunk = this.#chunks[index]!;
    this.length -= 1;
    chunk.length -= 1;
    chunk.ranks.copyWithin(at, at + 1, chunk.length + 1);
    chunk.values?.copyWithin(at, at + 1, chunk.length + 1);
    if (chunk.length > MERGED / 2 || this.#chunks.length === 1) return;
    if (chunk.length === 0) this.#chunks.splice(index, 1);
    else if (!this.#merge(index - 1)) this.#merge(index);
  }

  /** The first chunk that has a number as high, or the last one. */
  #chunkFor(rank: number): number {
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { ranks, length } = this.#chunks[middle]!;
      if (ranks[length - 1]! < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes two chunks of one that is full, and returns which of them a number goes to. What only grows at its end leaves full ones behind. */
  #split(index: number, rank: number): number {
    const chunk = this.#chunks[index]!;
    const isEnd = index === this.#chunks.length - 1 && rank > chunk.ranks[CHUNK - 1]!;
    const from = isEnd ? CHUNK : CHUNK / 2;
    const next = this.#newChunk(CHUNK);
    next.ranks.set(chunk.ranks.subarray(from));
    next.values?.set(chunk.values!.subarray(from));
    next.length = CHUNK - from;
    chunk.length = from;
    this.#chunks.splice(index + 1, 0, next);
    return isEnd || rank > chunk.ranks[from - 1]! ? index + 1 : index;
  }

  /** Makes one of a chunk and the next where that leaves space; false where it does not, or there are not both. */
  #merge(index: number): boolean {
    const chunk = this.#chunks[index];
    const next = this.#chunks[index + 1];
    if (chunk === undefined || next === undefined || chunk.length + next.length > MERGED) return false;
    while (chunk.ranks.length < chunk.length + next.length) this.#grow(chunk);
    chunk.ranks.set(next.ranks.subarray(0, next.length), chunk.length);
    chunk.values?.set(next.values!.subarray(0, next.length), chunk.length);
    chunk.length += next.length;
    this.#chunks.splice(index + 1, 1);
    return true;
  }

  #newChunk(capacity: number): Chunk {
    const values = this.#hasValues ? new Float64Array(capacity) : undefined;
    return { ranks: new Float64Array(capacity), values, length: 0 };
  }

  #grow(chunk: Chunk): void {
    const { ranks, values } = this.#newChunk(chunk.ranks.length * 2);
    ranks.set(chunk.ranks);
    values?.set(chunk.values!);
    chunk.ranks = ranks;
    chunk.values = values;
  }
}

/** Where the first number stands that is as high, or where it would. */
function placeIn({ ranks, length }: Chunk, rank: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranks[middle]! < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(chunk: Chunk, at: number, rank: number, value: number): void {
  const { ranks, values, length } = chunk;
  if (at < length) {
    ranks.copyWithin(at + 1, at, length);
    values?.copyWithin(at + 1, at, length);
  }
  ranks[at] = rank;
  if (values !== undefined) values[at] = value;
  chunk.length += 1;
}
