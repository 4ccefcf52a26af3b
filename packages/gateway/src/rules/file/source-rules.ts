/** Entries of sources as rules. */
import { NAME_LABEL } from '../../model/labels.ts';
import type { SourceRule } from '../rules.ts';
import { matchOf } from './alike.ts';
import type { Entry } from './entries.ts';
import type { FileKeys, SourceKeys } from './keys.ts';
import type { Located } from './kinds.ts';
import type { Problems } from './problems.ts';
import { relabelRulesOf } from './relabel-rules.ts';

/** Without entries that are wrong, which are noted. */
export function* sourceRulesOf(
  list: Located<FileKeys['sources']> | undefined,
  problems: Problems,
): Generator<void, readonly SourceRule[]> {
  const seen = new Map<string, Entry<SourceKeys>>();
  const rules: SourceRule[] = [];
  for (const { value } of list?.value ?? []) {
    yield;
    checkMatch(value, problems);
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

function* sourceRuleOf({ keys }: Entry<SourceKeys>, problems: Problems): Generator<void, SourceRule> {
  const { match, path_labels: labels, metric_relabel_configs: relabel } = keys;
  return {
    match: match?.value,
    pathLabels: typeof labels?.value === 'object' ? labels.value.map(({ value }) => value) : labels?.value,
    relabel: yield* relabelRulesOf(relabel, problems),
  };
}
