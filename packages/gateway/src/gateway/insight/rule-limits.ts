/** What there is of what rules and tokens limit: of each kind of limit those that are fullest. */
import { sourceRuleFor } from '../../ingest/rewrite/push-rules.ts';
import { shorten } from '../../primitives/quote.ts';
import type { TokenRate, TokenRule } from '../../rules/access.ts';
import type { Rules, SourceRule } from '../../rules/rules.ts';
import { labelsOfKey } from '../../sources/source-list.ts';
import { lengthWithoutStarts } from '../../sources/source-starts.ts';
import type { State } from '../../state/state.ts';
import type { InsightAnswer, LimitScope, ShownLimit } from '../insight-api.ts';
import { Answer } from './answer.ts';
import type { History } from './history.ts';
import { limitsOf } from './limit-list.ts';
import { labelPath } from './path-of-key.ts';

/** Of one kind. */
const FULLEST_MAX = 20;
/** Looks of a rule at a name or a path, in one step; what needs none costs as much as some part of it. */
const STEP_LOOKS = 128;
const PASSED_BY_LOOKS = 0.25;

interface Held {
  /** As it is shown, which may cost something. */
  readonly of: () => string;
  readonly used: number;
  readonly max: number;
  readonly onLimit: ShownLimit['onLimit'];
}

/** Those that are fullest, of one kind. */
class Fullest {
  readonly #scope: LimitScope;
  readonly #name: string;
  readonly #held: Held[] = [];

  constructor(scope: LimitScope, name: string) {
    this.#scope = scope;
    this.#name = name;
  }

  add(held: Held): void {
    if (!this.mayHave(held.used, held.max)) return;
    const part = partOf(held);
    const after = this.#held.findIndex((each) => partOf(each) < part);
    this.#held.splice(after < 0 ? this.#held.length : after, 0, held);
    if (this.#held.length > FULLEST_MAX) this.#held.pop();
  }

  /** Whether one with so much, of so much or more, may be among them. */
  mayHave(used: number, max: number): boolean {
    return this.#held.length < FULLEST_MAX || partOf({ used, max }) > partOf(this.#held.at(-1)!);
  }

  *shown(): Generator<ShownLimit, void> {
    for (const { of, used, max, onLimit } of this.#held)
      yield {
        name: this.#name,
        scope: this.#scope,
        of: of(),
        onLimit,
        used,
        max,
        perHour: null,
        secondsUntilFull: null,
      };
  }
}

function partOf({ used, max }: Pick<Held, 'used' | 'max'>): number {
  return max > 0 ? used / max : Infinity;
}

/** Those of all together come first, then those of tokens and rules. */
export function* listLimits(
  known: { readonly state: State; readonly history: Pick<History, 'usedPoints' | 'newestStep'> },
  rules: Rules,
  rates: readonly TokenRate[],
): Generator<void, InsightAnswer> {
  const { state, history } = known;
  const answer = new Answer({}, 'limits');
  for (const limit of [...limitsOf(state, history), ...(yield* ruleLimits(state, rules, rates))])
    if (!answer.add(limit)) break;
  return answer.end();
}

/** `rates` are those of tokens, of which the state knows nothing. */
function* ruleLimits(
  state: State,
  rules: Rules,
  rates: readonly TokenRate[],
): Generator<void, readonly ShownLimit[]> {
  const all = [
    ...ofTokens(state, rules.access?.tokens ?? [], rates),
    ...(yield* ofJobs(state, rules)),
    ...(yield* ofSources(state, rules)),
    ...(yield* ofFamilies(state, rules)),
  ];
  return all.flatMap((fullest) => [...fullest.shown()]);
}

function ofTokens(
  { accumulators: { owners } }: State,
  tokens: readonly TokenRule[],
  rates: readonly TokenRate[],
): readonly Fullest[] {
  const byName = new Map<string, Fullest>();
  const add = (name: string, held: Held): void => {
    const fullest = byName.get(name) ?? new Fullest('token', name);
    byName.set(name, fullest);
    fullest.add(held);
  };
  for (const { name: token, limits } of tokens)
    if (limits.seriesMax !== undefined)
      add('series_max', {
        of: () => token,
        used: owners.ofToken(token),
        max: limits.seriesMax,
        onLimit: limits.onLimit,
      });
  for (const { name, token, ...held } of rates) add(name, { of: () => token, ...held });
  return [...byName.values()];
}

/** A job is that of many paths; its limit is that of the first rule that has one and may be about it. */
function* ofJobs({ accumulators: { owners } }: State, { sources }: Rules): Generator<void, Fullest[]> {
  const limiting = sources.filter(({ jobSeriesMax }) => jobSeriesMax !== undefined);
  if (limiting.length === 0) return [];
  const fullest = new Fullest('job', 'job_series_max');
  const looks = new Looks();
  for (const [job, used] of owners.jobs) {
    if (looks.add(limiting.length)) yield;
    const rule = limiting.find((each) => mayBeAbout(each, job));
    if (rule?.jobSeriesMax === undefined) continue;
    const { jobSeriesMax: max, onLimit = 'refuse' } = rule;
    fullest.add({ of: () => shorten(job), used, max, onLimit });
  }
  return [fullest];
}

function mayBeAbout({ match }: SourceRule, job: string): boolean {
  return match?.matchers.every((matcher) => matcher.label !== 'job' || matcher.matches(job)) ?? true;
}

function* ofSources({ sources }: State, rules: Rules): Generator<void, Fullest[]> {
  const least = leastOf(rules.sources);
  if (least === undefined) return [];
  const fullest = new Fullest('source', 'series_max');
  const looks = new Looks();
  const { list, contributions } = sources;
  const { end } = list;
  for (let source = 0; source < end; source += 1) {
    const isPassedBy = !list.isKnown(source) || !fullest.mayHave(contributions.lengthOf(source), least);
    if (looks.add(isPassedBy ? PASSED_BY_LOOKS : rules.sources.length)) yield;
    // It may have gone meanwhile.
    if (isPassedBy || !list.isKnown(source)) continue;
    const labels = labelsOfKey(list.keyOf(source));
    const rule = sourceRuleFor(rules, labels);
    if (rule?.seriesMax === undefined) continue;
    contributions.open(source);
    const { seriesMax: max, onLimit = 'refuse' } = rule;
    const of = (): string => (labels === undefined ? 'a very long path' : shorten(labelPath(labels)));
    fullest.add({ of, used: lengthWithoutStarts(contributions), max, onLimit });
  }
  return [fullest];
}

function* ofFamilies({ families }: State, { metrics }: Rules): Generator<void, Fullest[]> {
  const limiting = metrics.filter(({ seriesMax }) => seriesMax !== undefined);
  const least = leastOf(limiting);
  if (least === undefined) return [];
  const fullest = new Fullest('family', 'series_max');
  const looks = new Looks();
  for (let id = 0; id < families.byId.length; id += 1) {
    const family = families.byId[id];
    const isPassedBy = family === undefined || !fullest.mayHave(family.accumulatorCount, least);
    if (looks.add(isPassedBy ? PASSED_BY_LOOKS : limiting.length)) yield;
    if (isPassedBy) continue;
    const { name, accumulatorCount: used } = family;
    const rule = limiting.find(({ match }) => match === undefined || match.mayMatch(name));
    if (rule?.seriesMax === undefined || used === 0) continue;
    const { seriesMax: max, onLimit = 'refuse' } = rule;
    fullest.add({ of: () => name, used, max, onLimit });
  }
  return [fullest];
}

function leastOf(rules: readonly { readonly seriesMax?: number }[]): number | undefined {
  const maxima = rules.flatMap(({ seriesMax }) => (seriesMax === undefined ? [] : [seriesMax]));
  return maxima.length === 0 ? undefined : maxima.reduce((least, max) => Math.min(least, max));
}

/** How much was looked at in this step. */
class Looks {
  #looks = 0;

  /** Whether the step is over. */
  add(looks: number): boolean {
    this.#looks += looks;
    if (this.#looks < STEP_LOOKS) return false;
    this.#looks = 0;
    return true;
  }
}
