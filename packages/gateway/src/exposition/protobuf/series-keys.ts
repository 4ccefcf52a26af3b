/**
 * The bytes by which a series is known again. The labels of a Metric stand in one piece, and a client that pushes again writes
 * them again in the same way; what they are labels of stands elsewhere, so it is put before them:
 *
 *   [ LF | 0 | type | length of the name, two bytes | name | label fields as they were sent ]
 *
 * No text series key begins with a line feed, and the header of a family, which is known by its own bytes (they begin with a tag
 * that is a line feed, too), does not go on with a zero, as its name is not empty.
 */
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { SeriesKeyBytes } from '../../model/sample-sink.ts';
import { LF, viewOf } from '../../primitives/bytes.ts';
import { hashBytes } from '../../primitives/hash.ts';

/** Longer ones would not be remembered. */
const KEY_BYTES_MAX = 1024;
const PREFIX_BYTES = 5;
const ARENA_BYTES = 1 << 16;

/** Keys for one push. */
export class SeriesKeys {
  readonly #known: KnownSeries;
  readonly #body: DataView;
  readonly #scratch = Buffer.allocUnsafe(KEY_BYTES_MAX);
  readonly #view: DataView = viewOf(this.#scratch);
  /** Of `#scratch`: where labels go; 0 while the family is known by a name too long for a key. */
  #labelsAt = 0;
  #end = 0;
  #arena: DataView = new DataView(new ArrayBuffer(0));
  #arenaUsed = 0;

  constructor(known: KnownSeries, body: DataView) {
    this.#known = known;
    this.#body = body;
  }

  /** From now on keys are of the family whose name stands between two positions of the body. */
  setFamily(type: number, nameStart: number, nameEnd: number): void {
    const length = nameEnd - nameStart;
    this.#labelsAt = 0;
    if (PREFIX_BYTES + length > KEY_BYTES_MAX) return;
    this.#view.setUint8(0, LF);
    this.#view.setUint8(1, 0);
    this.#view.setUint8(2, type);
    this.#view.setUint16(3, length, true);
    this.#copy(nameStart, nameEnd, PREFIX_BYTES);
    this.#labelsAt = PREFIX_BYTES + length;
  }

  /** What the metric with these label fields leads to, its value or count, or UNKNOWN. */
  find(start: number, end: number): number {
    const at = this.#labelsAt;
    const length = end - start;
    this.#end = 0;
    if (at === 0 || at + length > KEY_BYTES_MAX) return UNKNOWN;
    const body = this.#body;
    const view = this.#view;
    const guessed = this.#known.guessKey(view, at, body, start, end);
    if (guessed !== UNKNOWN) return guessed;
    this.#copy(start, end, at);
    this.#end = at + length;
    return this.#known.findKey(view, 0, this.#end, hashBytes(this.#known.hashSeed, view, 0, this.#end));
  }

  /** A copy of the key last looked for in vain, which stays as it is for as long as the push; undefined when it is too long for one. */
  kept(): SeriesKeyBytes | undefined {
    const length = this.#end;
    if (length === 0) return undefined;
    if (this.#arenaUsed + length > this.#arena.byteLength) {
      this.#arena = new DataView(new ArrayBuffer(ARENA_BYTES));
      this.#arenaUsed = 0;
    }
    const start = this.#arenaUsed;
    new Uint8Array(this.#arena.buffer).set(this.#scratch.subarray(0, length), start);
    this.#arenaUsed = start + length;
    return { view: this.#arena, start, end: start + length };
  }

  #copy(start: number, end: number, to: number): void {
    const body = this.#body;
    const view = this.#view;
    const length = end - start;
    let i = 0;
    for (const stop = length - 3; i < stop; i += 4) {
      view.setInt32(to + i, body.getInt32(start + i, true), true);
    }
    for (; i < length; i += 1) view.setUint8(to + i, body.getUint8(start + i));
  }
}
