/** How many more series there may be of somebody: of a token, a source, a job, and of each family that a push names. */
import type { ErrorCode } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import { quote } from '../primitives/quote.ts';
import type { OnLimit, SeriesAllowance } from '../rules/series-limit.ts';
import type { State } from '../state/state.ts';
import type { PushFamily } from '../store/batch.ts';
import { OWNERS_OF_JOBS_MAX } from '../store/owners.ts';
import type { Owner, Owners } from '../store/owners.ts';
import type { PushRules } from './rewrite/push-rules.ts';

/** Whose push it is. */
export interface Pusher {
  readonly key: GroupingKey;
  readonly rules: PushRules;
  readonly allowance: SeriesAllowance | undefined;
}

export interface Limit {
  readonly code: ErrorCode;
  /** How many there may be; of new ones, in an hour. */
  readonly max: number;
  /** How many more there may be, as the state is now. */
  readonly leftNow: () => number;
  /** How many more there might be when the push was begun, and how many it brings. */
  readonly leftBefore: number;
  spent: number;
  readonly onLimit: OnLimit;
  /** As a message has it. */
  readonly text: string;
}

type LimitedFamily = Pick<PushFamily, 'name' | 'known'>;

export class SeriesLimits {
  readonly #pusher: Pusher;
  readonly #state: State;
  readonly #before: number;
  /** Of the push, found with its first new series. */
  #ofPush: Limit[] | undefined;
  /** With those of a family, by its name. */
  readonly #ofFamilies = new Map<string, readonly Limit[]>();

  /** `before` have been let in already, of families of the gateway's own. */
  constructor(pusher: Pusher, state: State, before: number = 0) {
    this.#pusher = pusher;
    this.#state = state;
    this.#before = before;
  }

  /** A limit under which there is no room for so many more, even if there might be `more`. */
  exceeded(
    family: LimitedFamily,
    numbers: number,
    what: OnLimit,
    more?: (limit: Limit) => number,
  ): Limit | undefined {
    return this.#for(family).find(
      (limit) => limit.onLimit === what && limit.leftBefore + (more?.(limit) ?? 0) - limit.spent < numbers,
    );
  }

  /** Whether there is such a limit. */
  has(family: LimitedFamily, what: OnLimit): boolean {
    return this.#for(family).some(({ onLimit }) => onLimit === what);
  }

  spend(family: LimitedFamily, numbers: number): void {
    for (const limit of this.#for(family)) limit.spent += numbers;
  }

  /** Whether all of it would still be let in, where others have brought series since. */
  get isAsBefore(): boolean {
    for (const limits of this.#ofFamilies.values())
      for (const limit of limits) {
        const left = limit.leftNow();
        if (left < limit.leftBefore && left + besides(limit) < limit.spent) return false;
      }
    return true;
  }

  #for(family: LimitedFamily): readonly Limit[] {
    const known = this.#ofFamilies.get(family.name);
    if (known !== undefined) return known;
    if (this.#ofPush === undefined) {
      this.#ofPush = [...limitsOfPush(this.#pusher, this.#state)];
      for (const limit of this.#ofPush) limit.spent += this.#before;
    }
    const ofFamily = limitOfFamily(this.#pusher, family);
    const limits = ofFamily === undefined ? this.#ofPush : [...this.#ofPush, ofFamily];
    this.#ofFamilies.set(family.name, limits);
    return limits;
  }
}

/** How many there may be besides, which stand for those that there is no room for. */
export function besides({ onLimit, max }: Limit): number {
  return onLimit === 'overflow' ? max : 0;
}

export function ownerOf({ key, rules, allowance }: Pusher): Owner | undefined {
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
    yield {
      code: 'series_limit',
      max: 0,
      leftNow: () => 0,
      leftBefore: 0,
      spent: 0,
      onLimit: 'refuse',
      text,
    };
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
  yield {
    code: 'too_many_requests',
    max: newPerHour ?? 0,
    leftNow,
    leftBefore: leftNow(),
    spent: 0,
    onLimit,
    text,
  };
}

function limitOfFamily({ rules }: Pusher, { name, known }: LimitedFamily): Limit | undefined {
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
    max,
    leftNow: () => max - has(),
    leftBefore: max - before,
    spent: 0,
    onLimit,
    text: `${of} has ${before} of at most ${max} (${key})`,
  };
}
