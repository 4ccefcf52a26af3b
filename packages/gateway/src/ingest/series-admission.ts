/**
 * Limits of how many series somebody may have: a token, a family, a source, a job. They are asked of what is new alone, while a push is read:
 * what is known goes on to be counted. A histogram or summary is let in whole or not at all, so that where others are left out the last
 * one may go beyond a limit by its buckets; a push that is refused is refused for each number too many. Where new series are to be added to one that
 * stands for them, the push is read once more (rewrite/overflow.ts).
 */
import { PushProblem } from '../model/errors.ts';
import { isDistribution } from '../model/metric-type.ts';
import { parseSeriesText } from '../model/series-text.ts';
import { quote } from '../primitives/quote.ts';
import type { State } from '../state/state.ts';
import type { SenderMode } from '../store/aggregation-config.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import type { Family } from '../store/families.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';
import { besides, ownerOf, SeriesLimits } from './series-limits.ts';
import type { Limit, Pusher } from './series-limits.ts';

/** Series that are looked at to say which label has the most values, and how long they may be in all. */
const LOOKED_MAX = 128;
const LOOKED_CHARS_MAX = 64 * 1024;
/** So many of what a push brings are gone through for them. */
const PENDING_MAX = 4096;

/** How a push counts, and whose it is. */
export interface PushedBy {
  readonly sender?: SenderMode;
  /** Undefined where it is not asked whether new series may come. */
  readonly pusher?: Pusher | undefined;
}

/** Thrown where new series are to be added to one that stands for them, which nobody has seen to yet. */
export class OverflowNeeded extends Error {}

interface WidestLabel {
  readonly label: string;
  readonly values: number;
  readonly looked: number;
}

export class SeriesAdmission {
  /** What is added is nobody's but the gateway's own: where it may not come it is left out, and no push is refused for it. */
  isOwn = false;
  /** Series that there was no room for have been added to those that stand for them, for which there is room besides. */
  hasOverflowed = false;
  readonly #state: State;
  readonly #batch: Batch;
  #pusher: Pusher | undefined;
  /** Of the push, made with its first new series. */
  #limits: SeriesLimits | undefined;
  /** What a refusal said last of a family as the state had it. */
  #widest:
    | { readonly name: string; readonly epoch: number; readonly label: WidestLabel | undefined }
    | undefined;

  constructor(state: State, batch: Batch) {
    this.#state = state;
    this.#batch = batch;
  }

  /** Without a pusher all is let in. */
  begin(pusher: Pusher | undefined): void {
    this.#pusher = pusher;
    this.isOwn = false;
    this.hasOverflowed = false;
    this.#limits = undefined;
    this.#batch.owner = pusher && ownerOf(pusher);
  }

  /**
   * To be called before a new series is added, or one that a histogram or summary begins with, as so many numbers, none for a sample that counts for
   * nothing: whether it is let in. Throws a PushProblem where the push is to be refused, and OverflowNeeded.
   */
  admits(family: PushFamily, numbers: number, offset: number): boolean {
    if (this.#pusher === undefined) return true;
    const limits = this.#limitsOf(this.#pusher);
    const most = Math.max(numbers, 1);
    const exceeded =
      limits.exceeded(family, most, 'refuse') ??
      limits.exceeded(family, most, 'overflow', this.hasOverflowed ? besides : undefined) ??
      limits.exceeded(family, most, 'drop');
    if (exceeded === undefined) {
      family.leftOut = 'some';
      this.#spend(limits, family, numbers);
      return true;
    }
    if (exceeded.onLimit !== 'drop' && numbers > 0 && !this.isOwn) {
      if (exceeded.onLimit === 'overflow' && !this.hasOverflowed) throw new OverflowNeeded();
      throw this.#refusal(exceeded, family, offset);
    }
    this.#batch.ignoredLimit ??= exceeded.text;
    return false;
  }

  /**
   * The same for one more number of a series that was let in, or is known. It cannot be left out alone, so a limit is exceeded by as many as one series
   * may have; beyond that it would be none for those that are known.
   */
  admitsPart(family: PushFamily, offset: number): void {
    if (this.#pusher === undefined) return;
    const limits = this.#limitsOf(this.#pusher);
    const { bucketsMax } = this.#state.limits;
    const exceeded =
      limits.exceeded(family, 1, 'refuse') ??
      limits.exceeded(family, 1, 'overflow', besides) ??
      limits.exceeded(family, 1 - bucketsMax, 'drop');
    if (exceeded !== undefined) throw this.#refusal(exceeded, family, offset);
    this.#spend(limits, family, 1);
  }

  /** Whether it would still be let in, where others have brought series since. */
  get isAsBefore(): boolean {
    return this.#limits?.isAsBefore !== false;
  }

  #limitsOf(pusher: Pusher): SeriesLimits {
    return (this.#limits ??= new SeriesLimits(pusher, this.#state));
  }

  #spend(limits: SeriesLimits, family: PushFamily, numbers: number): void {
    this.#batch.admitted += numbers;
    limits.spend(family, numbers);
  }

  #refusal({ code, text, onLimit }: Limit, family: PushFamily, offset: number): PushProblem {
    const widest = this.#widestLabel(family);
    const why =
      widest === undefined
        ? ''
        : `; ${quote(widest.label)} is the label with the most values, ${widest.values} among ${widest.looked} series of ${family.name}`;
    const andOthers = onLimit === 'overflow' ? ', and as many again that stand for others' : '';
    return new PushProblem(code, `${family.name} has a new series, and ${text}${andOthers}${why}`, offset);
  }

  /** A push that is refused again and again must not cost much more than others that are. */
  #widestLabel(family: PushFamily): WidestLabel | undefined {
    const { epoch } = this.#state;
    const { name } = family;
    const isOfState = this.#batch.pendingSeries.length === 0;
    if (isOfState && this.#widest?.epoch === epoch && this.#widest.name === name) return this.#widest.label;
    const label = widestLabel(this.#state, this.#batch, family);
    if (isOfState) this.#widest = { name, epoch, label };
    return label;
  }
}

/** Which label tells most of the series of a family apart, of those that a push brings and those that there are, as far as they are looked at. */
function widestLabel(
  { accumulators }: State,
  { pendingSeries }: Batch,
  { index, known }: PushFamily,
): WidestLabel | undefined {
  const valuesOf = new Map<string, Set<string>>();
  let looked = 0;
  let chars = 0;
  const look = (text: string): void => {
    chars += text.length;
    looked += 1;
    for (const { name, value } of parseSeriesText(text).labels) {
      if (name === 'le') continue;
      const values = valuesOf.get(name);
      if (values === undefined) valuesOf.set(name, new Set([value]));
      else values.add(value);
    }
  };
  const to = Math.max(pendingSeries.length - PENDING_MAX, 0);
  for (let i = pendingSeries.length - 1; i >= to && looked < LOOKED_MAX / 2; i -= 1) {
    if (chars >= LOOKED_CHARS_MAX) break;
    const kind = pendingSeries.kind[i] as AccumulatorKind;
    // Of a histogram there are many, which say the same.
    const isSeries = kind === AccumulatorKind.COUNT || !isGrouped(kind);
    if (pendingSeries.family[i] === index && isSeries) look(pendingSeries.texts.textOf(i));
  }
  for (const row of known === undefined ? [] : firstRows(known, LOOKED_MAX - looked)) {
    if (chars >= LOOKED_CHARS_MAX) break;
    const accumulator = isDistribution(known!.type) ? accumulators.composites[row]!.count : row;
    if (accumulator >= 0 && accumulators.kind[accumulator] !== AccumulatorKind.FREE)
      look(accumulators.textOf(accumulator));
  }
  const [widest] = [...valuesOf].sort(([, a], [, b]) => b.size - a.size);
  // Of one value each it says nothing.
  if (widest === undefined || widest[1].size < 2) return undefined;
  return { label: widest[0], values: widest[1].size, looked };
}

function firstRows({ sorted, pending }: Family, most: number): readonly number[] {
  const rows = [...sorted.subarray(0, most)];
  return [...rows, ...pending.between(0, Math.min(pending.length, most - rows.length))];
}
