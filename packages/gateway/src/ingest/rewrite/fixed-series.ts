/**
 * Most rules touch few series. A push is read as if there were none, then, and looked at: if the rules leave all of its series as they are,
 * that is what they make of it. Of series that are known this is found out once for each.
 */
import { foldedBound } from '../../histogram/folded-bound.ts';
import type { Label } from '../../model/labels.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { seriesText, parseSeriesText } from '../../model/series-text.ts';
import type { Rules } from '../../rules/rules.ts';
import type { State } from '../../state/state.ts';
import type { Batch, PushFamily } from '../../store/batch.ts';
import { sampleSuffixes } from '../../store/families.ts';
import { AccumulatorKind, isGrouped, isNative } from '../../store/policies.ts';
import { looksAtSeries } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';
import {
  areAllowed,
  bucketsRule,
  isAllowed,
  labelsLeft,
  labelsRule,
  relabelled,
  typeRule,
} from './series-rules.ts';
import type { Named } from './series-rules.ts';

/** Each takes a byte for every accumulator. */
const WAYS_MAX = 64;

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
  while (entry < end && accumulators[entry]! >= 0 && marks[accumulators[entry]!] === FIXED) entry += 1;
  return entry;
}

/** A series as it is without rules. */
interface Unruled {
  readonly text: string;
  readonly kind: number;
  /** Of a bucket. */
  readonly bound: number;
  readonly family: { readonly name: string; readonly type: MetricType };
}

export class FixedSeries {
  readonly #state: State;
  #of: Rules | undefined;
  #losses = 0;
  /** By accumulator, for each way in which senders are relabelled and limited. */
  readonly #marks = new Map<string, Uint8Array>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Whether it is of use to read on: the rules leave the last of the series that are new so far as it is. */
  mayLeave({ pendingSeries, families }: Batch, rules: PushRules): boolean {
    const { length } = pendingSeries;
    return length === 0 || this.#isPendingFixed({ pendingSeries, families }, length - 1, rules);
  }

  /** Whether the rules leave a batch as it is, which was read without them, up to its last line. */
  *leave(batch: Batch, rules: PushRules): Generator<void, boolean> {
    if (batch.discarded.size > 0 || batch.families.some(isOtherwise)) return false;
    if (!(yield* areAllowed(batch.families, rules))) return false;
    const marks = this.#marksFor(rules);
    const { rows } = this.#state.pace;
    const { texts } = this.#state.accumulators;
    const rulesLooked = looksAtSeries(rules) + rules.matching.looks;
    const { accumulators, length } = batch;
    let left = rows;
    for (let entry = 0; entry < length; entry += 1) {
      const from = entry;
      entry = passFixed(accumulators, marks, from, Math.min(length, from + left));
      left -= entry - from;
      if (entry < length && left > 0) {
        const accumulator = accumulators[entry]!;
        if (accumulator < 0) {
          if (!this.#isPendingFixed(batch, ~accumulator, rules)) return false;
        } else {
          marks[accumulator] =
            marks[accumulator] === UNKNOWN && this.#isKnownFixed(accumulator, rules) ? FIXED : CHANGED;
          if (marks[accumulator] === CHANGED) return false;
        }
        const bytes =
          accumulator < 0 ? batch.pendingSeries.texts.lengthOf(~accumulator) : texts.lengthOf(accumulator);
        left -= LOOKED_ROWS + Math.floor((bytes * rulesLooked) / BYTES_LOOKED);
      } else entry -= 1;
      if (left > 0) continue;
      left = rows;
      if (entry + 1 < length) yield;
    }
    return true;
  }

  #marksFor({ rules, relabelledBy: key }: PushRules): Uint8Array {
    // Numbers may be of other series since.
    if (this.#of !== rules || this.#losses !== this.#state.losses) {
      this.#of = rules;
      this.#losses = this.#state.losses;
      this.#marks.clear();
    }
    const { length } = this.#state.accumulators.kind;
    let marks = this.#marks.get(key);
    if (marks === undefined || marks.length < length) {
      const larger = new Uint8Array(length);
      if (marks !== undefined) larger.set(marks);
      marks = larger;
      if (this.#marks.size >= WAYS_MAX) this.#marks.clear();
      this.#marks.set(key, marks);
    }
    return marks;
  }

  #isKnownFixed(accumulator: number, rules: PushRules): boolean {
    const { accumulators, families } = this.#state;
    const kind = accumulators.kindOf(accumulator);
    if (isNative(kind)) {
      const { count } = accumulators.composites[accumulators.composite[accumulator]!]!;
      return this.#isKnownFixed(count, rules);
    }
    const text = accumulators.textOf(accumulator);
    const family = families.get(accumulators.family[accumulator]!);
    return isFixed({ text, kind, bound: accumulators.bound[accumulator]!, family }, rules);
  }

  #isPendingFixed(
    { pendingSeries, families }: Pick<Batch, 'pendingSeries' | 'families'>,
    number: number,
    rules: PushRules,
  ): boolean {
    const kind = pendingSeries.kind[number]!;
    // Of native buckets the count is told by the rules, which is beside them.
    if (isNative(kind)) return true;
    const text = pendingSeries.texts.textOf(number);
    const family = families[pendingSeries.family[number]!]!;
    return isFixed({ text, kind, bound: pendingSeries.bound[number]!, family }, rules);
  }
}

/** A family that the push makes another of, so that lines before may have been read as it was. */
function isOtherwise(family: PushFamily): boolean {
  const { changed, sampled, known, replaces } = family;
  return (changed && sampled && (known !== undefined || replaces.length > 0)) || mayComeLate(family);
}

/** A histogram or summary that is new, of which all samples may have been taken for others: they come before its TYPE line. */
export function mayComeLate({ sampled, known, type }: PushFamily): boolean {
  return !sampled && known === undefined && sampleSuffixes(type).length > 0;
}

function isFixed(series: Unruled, rules: PushRules): boolean {
  const { text, kind } = series;
  const { name: base } = series.family;
  const ofMetric = new TextSeries(base, text, isGrouped(kind));
  const isPlain = isGrouped(kind) || text === base || text.startsWith(`${base}{`);
  // Most are told by their names, without their labels being read. Labels without a value are none to the rules.
  if (
    isPlain &&
    rules.relabel.length === 0 &&
    rules.allowed === undefined &&
    !text.includes('=""') &&
    labelsRule(ofMetric, rules) === undefined
  )
    return hasOwnMeaning(series, ofMetric, rules);
  const { name, labels } = parseSeriesText(text);
  const pushed = labels.some(({ value }) => value === '')
    ? labels.filter(({ value }) => value !== '')
    : labels;
  if (!isAllowed({ name: isGrouped(kind) ? base : name, labels: pushed }, rules)) return false;
  const becomes = relabelled({ name, labels: pushed }, rules);
  if ('action' in becomes) return false;
  const before = isGrouped(kind)
    ? { name: base, labels: becomes.labels.filter((label) => label.name !== 'le') }
    : becomes;
  const left = labelsLeft(before.labels, labelsRule(before, rules), rules);
  const bound =
    kind === AccumulatorKind.BUCKET ? becomes.labels.find((label) => label.name === 'le')?.value : undefined;
  const isAsBefore =
    becomes.labels === labels && left.length === before.labels.length && rules.added.labels.length === 0;
  if (!isAsBefore && seriesText(becomes.name, left, bound) !== text) return false;
  return hasOwnMeaning(series, { ...before, labels: left }, rules);
}

/** Whether no rule gives a series whose labels stay another type or other bounds. */
function hasOwnMeaning({ kind, bound, family: { type } }: Unruled, series: Named, rules: PushRules): boolean {
  if (type === 'untyped' && typeRule(series, rules) !== undefined) return false;
  if (kind !== AccumulatorKind.BUCKET || !hasBuckets(type)) return true;
  const listed = bucketsRule(series, rules)?.buckets;
  return listed === undefined || foldedBound(bound, listed) === bound;
}

/** A series as rules of metrics see it. Its labels are read only where they are looked at. */
class TextSeries implements Named {
  readonly name: string;
  readonly #text: string;
  readonly #isPart: boolean;
  #labels: readonly Label[] | undefined;

  constructor(name: string, text: string, isPart: boolean) {
    this.name = name;
    this.#text = text;
    this.#isPart = isPart;
  }

  get labels(): readonly Label[] {
    if (this.#labels === undefined) {
      const { labels } = parseSeriesText(this.#text);
      this.#labels = this.#isPart ? labels.filter(({ name }) => name !== 'le') : labels;
    }
    return this.#labels;
  }
}
