/**
 * Rules of relabelling that stand together, and look at the same labels: which of many match is found in one pass (pattern-set.ts). Those
 * before the first that does change nothing.
 */
import { AT_ONCE_MIN, PatternSet } from './pattern-set.ts';
import type { RelabelRule } from './rules.ts';

export interface RelabelRun {
  readonly rules: readonly RelabelRule[];
  /** Undefined where each is to be looked at. */
  readonly patterns: PatternSet | undefined;
}

export function relabelRunsOf(rules: readonly RelabelRule[]): readonly RelabelRun[] {
  const runs: RelabelRule[][] = [];
  for (const rule of rules) {
    const run = runs.at(-1);
    if (run !== undefined && goesWith(rule, run[0]!)) run.push(rule);
    else runs.push([rule]);
  }
  return runs.map((run) => ({
    rules: run,
    patterns:
      run.length < AT_ONCE_MIN || !mustMatch(run[0]!)
        ? undefined
        : new PatternSet(
            run.map(({ regex }) => ({ value: regex.source, matches: (value) => regex.matches(value) })),
          ),
  }));
}

/** How many rules a series may have to be looked at by, where many at once are one. */
export function looksOf(runs: readonly RelabelRun[]): number {
  return runs.reduce((sum, { rules, patterns }) => sum + (patterns?.looks ?? rules.length), 0);
}

/** Labels as they are before any rule, and all of their names. */
interface Unchanged {
  readonly names: readonly string[];
  valueOf(name: string): string;
}

/** False where none of the rules does anything, which is told without a set that they could change. */
export function mayChange(runs: readonly RelabelRun[], labels: Unchanged): boolean {
  return runs.some(({ rules, patterns }) =>
    patterns === undefined
      ? rules.some((rule) => changes(rule, labels))
      : patterns.matching(sourceOf(rules[0]!, labels)).length > 0,
  );
}

function changes(rule: RelabelRule, labels: Unchanged): boolean {
  const { action, regex } = rule;
  switch (action) {
    case 'drop':
    case 'replace':
      return regex.matches(sourceOf(rule, labels));
    case 'keep':
      return !regex.matches(sourceOf(rule, labels));
    case 'labeldrop':
    case 'labelmap':
      return labels.names.some((name) => regex.matches(name));
    case 'labelkeep':
      return !labels.names.every((name) => regex.matches(name));
    case 'keepequal':
    case 'dropequal':
    case 'hashmod':
    case 'lowercase':
    case 'uppercase':
      return true;
  }
}

/** What an expression is held against. */
export function sourceOf(
  { sourceLabels, separator }: RelabelRule,
  labels: Pick<Unchanged, 'valueOf'>,
): string {
  return sourceLabels.length === 1
    ? labels.valueOf(sourceLabels[0]!)
    : sourceLabels.map((name) => labels.valueOf(name)).join(separator);
}

function goesWith(rule: RelabelRule, other: RelabelRule): boolean {
  return (
    mustMatch(rule) === mustMatch(other) &&
    (!mustMatch(rule) ||
      (rule.separator === other.separator &&
        rule.sourceLabels.length === other.sourceLabels.length &&
        rule.sourceLabels.every((label, i) => label === other.sourceLabels[i])))
  );
}

/** Whether a rule does nothing where its expression does not match. */
function mustMatch({ action }: RelabelRule): boolean {
  return action === 'drop' || action === 'replace';
}
