/**
 * A digest of the state and of idempotency keys, by which those who have the same records know that they have come to the same: of all that a snapshot
 * keeps, numbers of accumulators, composite series and families included, as later records name series by these. Not of where things lie, which
 * hash seeds, scrapes and restarts change: what is kept in no order is summed up row by row.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { ByteWriter } from '../primitives/byte-writer.ts';
import { SLOTS } from '../store/windows.ts';
import { encodePart, Tag } from './parts.ts';
import type { Part } from './parts.ts';
import { writeSettings } from './sections.ts';
import type { Kept } from './sections.ts';
import { freezeParts } from './take-snapshot.ts';
import type { SnapshotBuffers } from './take-snapshot.ts';

/** What is digested, as it was. */
interface FrozenState {
  /** Takes the digest, in turns of a few milliseconds; to be called once. */
  digest(): Promise<string>;
  /** To be called when it has been taken, or is not wanted any more. */
  close(): void;
}

/** The state as it is now, however much later its digest is taken; nobody may change it until the last step. One at a time, and no snapshot beside it. */
export function* freezeForDigest(
  kept: Kept,
  lastPushMs: number | undefined,
  buffers?: SnapshotBuffers,
): Generator<void, FrozenState> {
  const { state, keys } = kept;
  const head = new ByteWriter();
  writeSettings(head, kept, lastPushMs);
  const frozenState = yield* freezeParts(state, buffers);
  const frozenKeys = keys.freeze();
  return {
    async digest() {
      const hash = createHash('sha256');
      hash.update(head.bytes());
      for (const part of frozenKeys.parts()) {
        hash.update(part);
        await setImmediate();
      }
      const unordered = new Map<Tag, RowSum>();
      for (const part of frozenState.parts) {
        await setImmediate();
        digestPart(part, hash, unordered);
        await setImmediate();
      }
      for (const [tag, sum] of unordered) hash.update(Float64Array.of(tag, sum.first, sum.second, sum.rows));
      return hash.digest('hex');
    },
    close() {
      frozenState.close();
      frozenKeys.close();
    },
  };
}

function digestPart(part: Part, hash: Hash, unordered: Map<Tag, RowSum>): void {
  const rowsOf = rowsOfUnordered[part.tag];
  if (rowsOf === undefined) {
    hash.update(encodePart({ ...part, columns: part.columns.map(withOneNaN) }));
    return;
  }
  const sum = unordered.get(part.tag) ?? new RowSum();
  unordered.set(part.tag, sum);
  rowsOf(part.columns as readonly Float64Array[], sum);
}

/** What is no number may have any of many forms, by who pushed it and which machine has computed with it. */
function withOneNaN<Column extends Part['columns'][number]>(column: Column): Column | Float64Array {
  if (!(column instanceof Float64Array)) return column;
  for (let at = 0; at < column.length; at += 1)
    if (column[at] !== column[at]) return column.map((value) => (value === value ? value : Number.NaN));
  return column;
}

/** Tables whose rows come in an order, or in parts, that what happened does not say alone; columns are as their tables write them. */
const rowsOfUnordered: Readonly<
  Partial<Record<Tag, (columns: readonly ArrayLike<number>[], sum: RowSum) => void>>
> = {
  [Tag.CONTRIBUTIONS]: ([owners, lengths, values, accumulators], sum) =>
    addOwned(sum, { owners: owners!, lengths: lengths!, values: values!, named: accumulators! }),
  [Tag.LEFT_OUT]: ([owners, lengths, timesMs, named], sum) =>
    addOwned(sum, { owners: owners!, lengths: lengths!, values: timesMs!, named: named! }),
  // Sorted before they are used again.
  [Tag.PENDING_FREE]: ([numbers], sum) => {
    for (let row = 0; row < numbers!.length; row += 1) {
      sum.begin(numbers![row]!);
      sum.end();
    }
  },
  [Tag.WINDOWS]: ([accumulators, slotsMs, newest, values], sum) => {
    for (let row = 0; row < accumulators!.length; row += 1) {
      sum.begin(accumulators![row]!);
      sum.mix(slotsMs![row]!);
      sum.mix(newest![row]!);
      for (let slot = 0; slot < SLOTS; slot += 1) sum.mix(values![row * SLOTS + slot]!);
      sum.end();
    }
  },
};

interface Owned {
  readonly owners: ArrayLike<number>;
  readonly lengths: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly named: ArrayLike<number>;
}

/** Sources are named by their places, which are the same for all. */
function addOwned(sum: RowSum, { owners, lengths, values, named }: Owned): void {
  let at = 0;
  for (let row = 0; row < owners.length; row += 1) {
    for (const end = at + lengths[row]!; at < end; at += 1) {
      sum.begin(owners[row]!);
      sum.mix(named[at]!);
      sum.mix(values[at]!);
      sum.end();
    }
  }
}

/** The sum of the hashes of rows, 64 bits in two lanes; mixed as in primitives/hash.ts. */
class RowSum {
  first = 0;
  second = 0;
  rows = 0;
  readonly #number = new Float64Array(1);
  readonly #words = new Int32Array(this.#number.buffer);
  #a = 0;
  #b = 0;

  begin(number: number): void {
    this.#a = 0x2f0b4a27;
    this.#b = ~0x2f0b4a27;
    this.mix(number);
  }

  mix(number: number): void {
    // As in withOneNaN.
    this.#number[0] = number === number ? number : Number.NaN;
    for (let word = 0; word < 2; word += 1) {
      this.#a = Math.imul(this.#a ^ this.#words[word]!, 0x85ebca6b);
      this.#a = Math.imul(this.#a ^ (this.#a >>> 16), 0xc2b2ae35);
      this.#b = Math.imul(this.#b ^ this.#words[word]!, 0x9e3779b1);
      this.#b = Math.imul(this.#b ^ (this.#b >>> 15), 0x27d4eb2f);
    }
  }

  end(): void {
    this.first = (this.first + (this.#a ^ (this.#a >>> 13))) | 0;
    this.second = (this.second + (this.#b ^ (this.#b >>> 16))) | 0;
    this.rows += 1;
  }
}
