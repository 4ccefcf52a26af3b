/**
 * Limits of how many series somebody may have: a token, a family, a source, a job. They are asked of what is new alone, while a push is read:
 * what is known goes on to be counted. A histogram or summary is let in whole or not at all, so that where others are left out the last
 * one may go beyond a limit by its buckets; a push that is refused is refused for each number too many.
 */
import { PushProblem } from '../model/errors.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import { isDistribution } from '../model/metric-type.ts';
import { parseSeriesText } from '../model/series-text.ts';
import { quote } from '../primitives/quote.ts';
import type { OnLimit, SeriesAllowance } from '../rules/series-limit.ts';
import type { State } from '../state/state.ts';
import type { SenderMode } from '../store/aggregation-config.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import type { Family } from '../store/families.ts';
import { OWNERS_OF_JOBS_MAX } from '../store/owners.ts';
import type { Owner, Owners } from '../store/owners.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';
import type { PushRules } from './rewrite/push-rules.ts';

/** Series that are looked at to say which label has the most values, and how long they may be in all. */
const LOOKED_MAX = 128;
const LOOKED_CHARS_MAX = 64 * 1024;
/** So many of what a push brings are gone through for them. */
const PENDING_MAX = 4096;

/** Whose push it is. */
interface Pusher {
  readonly key: GroupingKey;
  readonly rules: PushRules;
  readonly allowance: SeriesAllowance | undefined;
}

/** How a push counts, and whose it is. */
export interface PushedBy {
  readonly sender?: SenderMode;
  /** Undefined where it is not asked whether new series may come. */
  readonly pusher?: Pusher | undefined;
}

interface Limit {
  readonly code: ErrorCode;
  /** How many more there may be, as the state is now. */
  readonly leftNow: () => number;
  /** How many more there might be when the push was begun, and how many it brings. */
  readonly leftBefore: number;
  spent: number;
  readonly onLimit: OnLimit;
  /** As a message has it. */
  readonly text: string;
}

interface WidestLabel {
  readonly label: string;
  readonly values: number;
  readonly looked: number;
}

export class SeriesAdmission {
  /** What is added is nobody's but the gateway's own: where it may not come it is left out, and no push is refused for it. */
  isOwn = false;
  readonly #state: State;
  readonly #batch: Batch;
  #pusher: Pusher | undefined;
  /** Of the push, found with its first new series. */
  #ofPush: Limit[] | undefined;
  /** With those of a family. */
  readonly #ofFamilies = new Map<PushFamily, readonly Limit[]>();
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
    this.#ofPush = undefined;
    if (this.#ofFamilies.size > 0) this.#ofFamilies.clear();
    this.#batch.owner = pusher && ownerOf(pusher);
  }

  /**
   * To be called before a new series is added, or one that a histogram or summary begins with, as so many numbers, none for a sample that counts for
   * nothing: whether it is let in. Throws a PushProblem where the push is to be refused.
   */
  admits(family: PushFamily, numbers: number, offset: number): boolean {
    if (this.#pusher === undefined) return true;
    const most = Math.max(numbers, 1);
    const exceeded = this.#exceeded(family, most, 'refuse') ?? this.#exceeded(family, most, 'drop');
    if (exceeded === undefined) {
      family.leftOut = 'some';
      this.#spend(family, numbers);
      return true;
    }
    if (exceeded.onLimit === 'refuse' && numbers > 0 && !this.isOwn)
      throw this.#refusal(exceeded, family, offset);
    this.#batch.ignoredLimit ??= exceeded.text;
    return false;
  }

  /**
   * The same for one more number of a series that was let in, or is known. It cannot be left out alone, so a limit is exceeded by as many as one series
   * may have; beyond that it would be none for those that are known.
   */
  admitsPart(family: PushFamily, offset: number): void {
    if (this.#pusher === undefined) return;
    const { bucketsMax } = this.#state.limits;
    const exceeded = this.#exceeded(family, 1, 'refuse') ?? this.#exceeded(family, 1 - bucketsMax, 'drop');
    if (exceeded !== undefined) throw this.#refusal(exceeded, family, offset);
    this.#spend(family, 1);
  }

  /** Whether it would still be let in, where others have brought series since. */
  get isAsBefore(): boolean {
    for (const limits of this.#ofFamilies.values())
      for (const { leftNow, leftBefore, spent } of limits) {
        const left = leftNow();
        if (left < leftBefore && left < spent) return false;
      }
    return true;
  }

  /** A limit under which there is no room for so many more. */
  #exceeded(family: PushFamily, numbers: number, what: OnLimit): Limit | undefined {
    return this.#limitsFor(family).find(
      ({ leftBefore, spent, onLimit }) => onLimit === what && leftBefore - spent < numbers,
    );
  }

  #spend(family: PushFamily, numbers: number): void {
    this.#batch.admitted += numbers;
    for (const limit of this.#limitsFor(family)) limit.spent += numbers;
  }

  #limitsFor(family: PushFamily): readonly Limit[] {
    const known = this.#ofFamilies.get(family);
    if (known !== undefined) return known;
    this.#ofPush ??= [...limitsOfPush(this.#pusher!, this.#state)];
    const ofFamily = limitOfFamily(this.#pusher!, family);
    const limits = ofFamily === undefined ? this.#ofPush : [...this.#ofPush, ofFamily];
    this.#ofFamilies.set(family, limits);
    return limits;
  }

  #refusal({ code, text }: Limit, family: PushFamily, offset: number): PushProblem {
    const widest = this.#widestLabel(family);
    const why =
      widest === undefined
        ? ''
        : `; ${quote(widest.label)} is the label with the most values, ${widest.values} among ${widest.looked} series of ${family.name}`;
    return new PushProblem(code, `${family.name} has a new series, and ${text}${why}`, offset);
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

function ownerOf({ key, rules, allowance }: Pusher): Owner | undefined {
  const token = allowance?.token ?? '';
  const job = rules.source?.jobSeriesMax === undefined ? '' : (key.job ?? '');
  return token === '' && job === '' ? undefined : { token, job };
}

function* limitsOfPush(pusher: Pusher, state: State): Generator<Limit, void> {
  const { allowance, rules, key } = pusher;
  const { owners } = state.accumulators;
  if (allowance !== undefined) yield* limitsOfToken(allowance, owners);
  const { source, sender } = rules;
  const { job } = key;
  const onLimit = source?.onLimit ?? 'refuse';
  if (source?.jobSeriesMax !== undefined && job !== undefined) {
    const has = (): number => owners.ofJob(job);
    yield limitOf(has, source.jobSeriesMax, { onLimit, of: `job ${quote(job)}`, key: 'job_series_max' });
  }
  if (source?.seriesMax !== undefined && sender.byJob) {
    const has = (): number => state.sources.sizeOf(key.text);
    yield limitOf(has, source.seriesMax, { onLimit, of: 'its source', key: 'series_max' });
  }
  const owner = ownerOf(pusher);
  const isCounted = allowance?.seriesMax !== undefined || source?.jobSeriesMax !== undefined;
  if (isCounted && owner !== undefined && !owners.hasRoomFor(owner)) {
    const text = `so many jobs have some, ${OWNERS_OF_JOBS_MAX}, that those of another are not counted`;
    yield { code: 'series_limit', leftNow: () => 0, leftBefore: 0, spent: 0, onLimit: 'refuse', text };
  }
}

function* limitsOfToken(
  { token, seriesMax, newPerHour, newLeft, onLimit }: SeriesAllowance,
  owners: Owners,
): Generator<Limit, void> {
  if (seriesMax !== undefined) {
    const has = (): number => owners.ofToken(token);
    yield limitOf(has, seriesMax, { onLimit, of: `token ${token}`, key: 'series_max' });
  }
  if (newLeft === undefined) return;
  const leftNow = (): number => newLeft.left;
  const text = `token ${token} may bring ${newPerHour} new ones an hour (new_series_per_hour)`;
  yield { code: 'too_many_requests', leftNow, leftBefore: leftNow(), spent: 0, onLimit, text };
}

function limitOfFamily({ rules }: Pusher, { name, known }: PushFamily): Limit | undefined {
  const rule = rules.matching.seriesMax.forName(name)[0]?.rule;
  if (rule?.seriesMax === undefined) return undefined;
  const has = (): number => known?.accumulatorCount ?? 0;
  return limitOf(has, rule.seriesMax, { onLimit: rule.onLimit ?? 'refuse', of: name, key: 'series_max' });
}

function limitOf(
  has: () => number,
  max: number,
  { onLimit, of, key }: { readonly onLimit: OnLimit; readonly of: string; readonly key: string },
): Limit {
  const before = has();
  return {
    code: 'series_limit',
    leftNow: () => max - has(),
    leftBefore: max - before,
    spent: 0,
    onLimit,
    text: `${of} has ${before} of at most ${max} (${key})`,
  };
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
