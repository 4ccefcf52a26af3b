/**
 * What senders that add have, in snapshots: a bit for each accumulator, 32 in a row, and the numbers of those whose totals are no sums. Where
 * nobody adds beside sources there is neither.
 */
import { NumberList } from '../primitives/number-list.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind, isContributed, isRanked, needsSources } from '../store/policies.ts';
import { broken, numberParts, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const BITS = 32;
/** About half a mebibyte in a part. */
const ROWS_MAX = 1 << 15;

export interface FrozenCommon {
  readonly words: Uint32Array;
  /** Those that have a number, ascending, and what it is. */
  readonly numbered: Uint32Array;
  readonly values: readonly number[];
  readonly orders: readonly number[];
}

export function* freezeCommon({ accumulators, pace }: State): Generator<void, FrozenCommon> {
  const { common, texts } = accumulators;
  const numbered = new NumberList();
  const values: number[] = [];
  const orders: number[] = [];
  const end = common.size === 0 ? 0 : texts.high;
  for (let accumulator = 0; accumulator < end && values.length < common.numbers; accumulator += 1) {
    if (pace.isFull(1)) yield;
    const number = common.numberOf(accumulator);
    if (number === undefined) continue;
    numbered.push(accumulator);
    values.push(number.value);
    orders.push(number.order);
  }
  const words = common.wordsUntil(end);
  return { words, numbered: numbered.between(0, numbered.length).slice(), values, orders };
}

export function* commonParts({ words, numbered, values, orders }: FrozenCommon): Generator<Part, void> {
  yield* numberParts(Tag.COMMON, words);
  for (let from = 0; from < numbered.length; from += ROWS_MAX) {
    const rows = numbered.subarray(from, from + ROWS_MAX);
    const columns = [values, orders].map((all) => Float64Array.from(all.slice(from, from + ROWS_MAX)));
    yield { tag: Tag.COMMON_NUMBERS, from, rows: rows.length, columns: [rows, ...columns] };
  }
}

/** Counts them in `contributors` as well. */
export function* readCommon(
  part: PartReader,
  { accumulators, pace }: State,
  contributors: Uint32Array,
): Generator<void, void> {
  for (const [i, word] of part.u32().entries()) {
    if (pace.isFull(1)) yield;
    if (word === 0) continue;
    for (let bit = 0; bit < BITS; bit += 1) {
      if (((word >>> bit) & 1) === 0) continue;
      const accumulator = (part.from + i) * BITS + bit;
      if (accumulator >= accumulators.texts.high || accumulators.kind[accumulator] === AccumulatorKind.FREE)
        throw broken(`senders that add have a part of accumulator ${accumulator}, which is free`);
      accumulators.common.add(accumulator);
      contributors[accumulator]! += 1;
      if (pace.isFull(1)) yield;
    }
  }
}

export function* readCommonNumbers(
  part: PartReader,
  { accumulators: { common }, pace }: State,
): Generator<void, void> {
  const numbered = part.u32();
  const values = part.f64();
  const orders = part.f64();
  for (const [i, accumulator] of numbered.entries()) {
    if (!common.has(accumulator) || common.numberOf(accumulator) !== undefined)
      throw broken(`senders that add have a number of accumulator ${accumulator}`);
    common.setNumber(accumulator, { value: values[i]!, order: orders[i]! });
    if (pace.isFull(1)) yield;
  }
}

/** They have parts of what can have any, where there are sources, and a number of their own where the total is no sum. */
export function* verifyCommon({ accumulators, aggregation, sources, pace }: State): Generator<void, void> {
  const { common, kind, texts } = accumulators;
  let size = 0;
  for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    if (!common.has(accumulator)) continue;
    size += 1;
    const is = kind[accumulator]!;
    if (is === AccumulatorKind.FREE || !isContributed(is) || needsSources(is) || !aggregation.byJob)
      throw broken(`senders that add have a part of accumulator ${accumulator} of kind ${is}`);
    const number = common.numberOf(accumulator);
    if (isRanked(is) !== (number !== undefined) || !((number?.order ?? 0) <= sources.order))
      throw broken(`senders that add have the wrong number of accumulator ${accumulator} of kind ${is}`);
  }
  if (size !== common.size)
    throw broken(`senders that add have parts of ${size} of ${common.size} accumulators`);
}
