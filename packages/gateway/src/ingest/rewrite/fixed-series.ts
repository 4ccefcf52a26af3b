/**
 * Most rules touch few series. A push is read as if there were none, then, and looked at: if all of its series are known ones that the
 * rules leave as they are, that is what the rules make of it. Which these are is found out once for each.
 */
import { foldedBound } from '../../histogram/folded-bound.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import { seriesText, parseSeriesText } from '../../model/series-text.ts';
import type { Rules, SourceRule } from '../../rules/rules.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { AccumulatorKind, isGrouped, isNative } from '../../store/policies.ts';
import type { PushRules } from './push-rules.ts';
import { bucketsRule, labelsLeft, labelsRule, relabelled, typeRule } from './series-rules.ts';

const UNKNOWN = 0;
const FIXED = 1;
const CHANGED = 2;

/** A series that is looked at by rules is as much work as so many that were. */
const LOOKED_ROWS = 64;
/** A rule and so much of the text of a series is as much work as one of these rows, as its regular expression may go through all of it. */
const BYTES_LOOKED = 16;

/** The first entry, up to `end`, whose accumulator is not known to be fixed. */
function passFixed(accumulators: Int32Array, marks: Uint8Array, start: number, end: number): number {
  let entry = start;
  while (entry < end && marks[accumulators[entry]!] === FIXED) entry += 1;
  return entry;
}

export class FixedSeries {
  readonly #state: State;
  #of: Rules | undefined;
  #losses = 0;
  /** By accumulator, for each rule of a source that relabels. */
  readonly #marks = new Map<SourceRule | undefined, Uint8Array>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Whether the rules leave a batch as it is, which was read without them, up to its last line. */
  *leave(batch: Batch, rules: PushRules): Generator<void, boolean> {
    if (batch.pendingSeries.length > 0 || batch.discarded.size > 0) return false;
    if (batch.families.some(({ changed, sampled }) => changed && sampled)) return false;
    const marks = this.#marksFor(rules);
    const { rows } = this.#state.pace;
    const { texts } = this.#state.accumulators;
    const rulesLooked = rules.relabel.length + rules.metrics.length;
    const { accumulators, length } = batch;
    let left = rows;
    for (let entry = 0; entry < length; entry += 1) {
      const from = entry;
      entry = passFixed(accumulators, marks, from, Math.min(length, from + left));
      left -= entry - from;
      if (entry < length && left > 0) {
        const accumulator = accumulators[entry]!;
        marks[accumulator] =
          marks[accumulator] === UNKNOWN && this.#isFixed(accumulator, rules) ? FIXED : CHANGED;
        if (marks[accumulator] === CHANGED) return false;
        left -= LOOKED_ROWS + Math.floor((texts.lengthOf(accumulator) * rulesLooked) / BYTES_LOOKED);
      } else entry -= 1;
      if (left > 0) continue;
      left = rows;
      if (entry + 1 < length) yield;
    }
    return true;
  }

  #marksFor({ rules, source }: PushRules): Uint8Array {
    // Numbers may be of other series since.
    if (this.#of !== rules || this.#losses !== this.#state.losses) {
      this.#of = rules;
      this.#losses = this.#state.losses;
      this.#marks.clear();
    }
    const key = source !== undefined && source.relabel.length > 0 ? source : undefined;
    const { length } = this.#state.accumulators.kind;
    let marks = this.#marks.get(key);
    if (marks === undefined || marks.length < length) {
      const larger = new Uint8Array(length);
      if (marks !== undefined) larger.set(marks);
      marks = larger;
      this.#marks.set(key, marks);
    }
    return marks;
  }

  #isFixed(accumulator: number, rules: PushRules): boolean {
    const { accumulators, families } = this.#state;
    const kind = accumulators.kindOf(accumulator);
    if (isNative(kind)) {
      const { count } = accumulators.composites[accumulators.composite[accumulator]!]!;
      return this.#isFixed(count, rules);
    }
    const text = accumulators.textOf(accumulator);
    const { name, labels } = parseSeriesText(text);
    const pushed = labels.filter(({ value }) => value !== '');
    const becomes = relabelled({ name, labels: pushed }, rules);
    if ('action' in becomes) return false;
    const { type, name: base } = families.get(accumulators.family[accumulator]!);
    const series = isGrouped(kind)
      ? { name: base, labels: becomes.labels.filter((label) => label.name !== 'le') }
      : becomes;
    if (type === 'untyped' && typeRule(series, rules) !== undefined) return false;
    const left = labelsLeft(series.labels, labelsRule(series, rules), rules);
    const bound =
      kind === AccumulatorKind.BUCKET
        ? becomes.labels.find((label) => label.name === 'le')?.value
        : undefined;
    if (seriesText(becomes.name, left, bound) !== text) return false;
    if (!hasBuckets(type)) return true;
    const listed = bucketsRule({ ...series, labels: left }, rules)?.buckets;
    if (listed === undefined || kind !== AccumulatorKind.BUCKET) return true;
    const own = accumulators.bound[accumulator]!;
    return foldedBound(own, listed) === own;
  }
}
