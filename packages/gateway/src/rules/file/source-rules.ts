/** Entries of sources as rules. */
import { NAME_LABEL } from '../../model/labels.ts';
import type { SourceRule } from '../rules.ts';
import { matchOf } from './alike.ts';
import type { Entry } from './entries.ts';
import { keysByJob } from './keys.ts';
import type { FileKeys, SourceKeys } from './keys.ts';
import type { Located } from './kinds.ts';
import type { Problems } from './problems.ts';
import { relabelRulesOf } from './relabel-rules.ts';

/** `byJob` says how senders count of which the file does not say it. Without entries that are wrong, which are noted. */
export function* sourceRulesOf(
  list: Located<FileKeys['sources']> | undefined,
  problems: Problems,
  byJob: boolean,
): Generator<void, readonly SourceRule[]> {
  const seen = new Map<string, Entry<SourceKeys>>();
  const rules: SourceRule[] = [];
  for (const { value } of list?.value ?? []) {
    yield;
    checkMatch(value, problems);
    checkMode(value, problems, byJob);
    if (isKnown(value)) checkOrder(value, seen, problems);
    rules.push(yield* sourceRuleOf(value, problems));
  }
  return rules;
}

/** Of an entry with a match that is wrong it is not known what it matches. */
function isKnown({ keys, isWhole }: Entry<SourceKeys>): boolean {
  return keys.match !== undefined || (isWhole && Object.keys(keys).length > 0);
}

function checkOrder(
  entry: Entry<SourceKeys>,
  seen: Map<string, Entry<SourceKeys>>,
  problems: Problems,
): void {
  const match = matchOf(entry);
  const all = seen.get(matchOf(undefined));
  const earlier = all ?? seen.get(match);
  if (earlier === undefined) {
    seen.set(match, entry);
    return;
  }
  const why = all === undefined ? 'has the same match' : 'matches all';
  problems.error(entry.at, `this entry never holds: the one in line ${problems.lineOf(earlier.at)} ${why}`);
}

function checkMatch({ at, keys, isWhole }: Entry<SourceKeys>, problems: Problems): void {
  const { match } = keys;
  if (match?.value.matchers.some(({ label }) => label === NAME_LABEL) === true) {
    problems.error(match.at, 'the path of a push has no metric name; match its labels, as in {job="backup"}');
  }
  if (isWhole && Object.keys(keys).length === 0) problems.error(at, 'this entry says nothing');
}

/** What is said of sources is of no use to senders that have none. */
function checkMode({ keys }: Entry<SourceKeys>, problems: Problems, byJob: boolean): void {
  const { mode } = keys;
  for (const name of keysByJob) {
    const key = keys[name];
    if (key === undefined) continue;
    if (mode?.value === 'add') {
      problems.error(
        key.keyAt,
        `${name} is for senders by job, and these add; remove it, or set mode: by-job`,
      );
    } else if (mode === undefined && !byJob) {
      problems.warning(
        key.keyAt,
        `${name} has no effect on senders that add, as these do without --by-job; set mode: by-job in this entry`,
      );
    }
  }
}

function* sourceRuleOf({ keys }: Entry<SourceKeys>, problems: Problems): Generator<void, SourceRule> {
  const { match, mode, path_labels: labels, metric_relabel_configs: relabel } = keys;
  const { counter_resets: counterResets, prune_after: pruneAfter, forget_after: forgetAfter } = keys;
  const { series_max: seriesMax, job_series_max: jobSeriesMax, on_limit: onLimit } = keys;
  if (onLimit !== undefined && seriesMax === undefined && jobSeriesMax === undefined)
    problems.error(onLimit.keyAt, 'on_limit has no effect without series_max or job_series_max');
  return {
    match: match?.value,
    pathLabels: typeof labels?.value === 'object' ? labels.value.map(({ value }) => value) : labels?.value,
    relabel: yield* relabelRulesOf(relabel, problems),
    ...(mode && { mode: mode.value }),
    ...(counterResets && { counterResets: counterResets.value }),
    ...(pruneAfter && { pruneAfterMs: pruneAfter.value }),
    ...(forgetAfter && { forgetAfterMs: forgetAfter.value }),
    ...(seriesMax && { seriesMax: seriesMax.value }),
    ...(jobSeriesMax && { jobSeriesMax: jobSeriesMax.value }),
    ...(onLimit && { onLimit: onLimit.value }),
  };
}
