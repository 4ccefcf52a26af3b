/** What the rules of a push make of one series: relabelling, then the labels that its metric is to have. */
import { labelValue, NAME_LABEL } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { mayChange } from '../../rules/relabel-runs.ts';
import { relabel } from '../../rules/relabel.ts';
import type { LabelSet, OnRelabelled } from '../../rules/relabel.ts';
import type { MetricRule, RelabelRule } from '../../rules/rules.ts';
import { emptyInstance, withPathLabels } from '../sample-kinds.ts';
import { PATH_PREFIX } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';

export interface Named {
  readonly name: string;
  readonly labels: readonly Label[];
}

/** Labels of buckets and quantiles, which no rule of a metric takes away. */
const kept = new Set(['le', 'quantile']);

/** Of names of families that are looked at in one step; to look at one takes as long as so many more of them. */
const STEP_CHARS = 16 * 1024;
const FAMILY_CHARS = 32;

/** The labels of a sample with those of its path. */
export function withLabelsOfPath(labels: readonly Label[], { added }: PushRules): readonly Label[] {
  // That there is no instance is said once it is known that none of the rules makes one.
  return withPathLabels(labels, { ...added, emptyInstance: false }).filter(({ value }) => value !== '');
}

/** Whether a series may be pushed, with the labels that it gets before any rule. `name` is the base name of a histogram or summary. */
export function isAllowed({ name, labels }: Named, { allowed }: PushRules): boolean {
  if (allowed === undefined) return true;
  return allowed.metrics.matches(
    name,
    labels.filter((label) => !kept.has(label.name)),
  );
}

/** Whether a token may say something of all families of which a push does. */
export function* areAllowed(
  families: readonly { readonly name: string }[],
  { allowed }: PushRules,
): Generator<void, boolean> {
  if (allowed === undefined) return true;
  let chars = 0;
  for (const { name } of families) {
    if (!allowed.metrics.mayMatch(name)) return false;
    chars += FAMILY_CHARS + name.length;
    if (chars < STEP_CHARS) continue;
    chars = 0;
    yield;
  }
  return true;
}

/** The rule that drops a series, or what relabelling makes of it. Its name may be empty, and so may that of a label. */
export function relabelled(
  { name, labels }: Named,
  rules: PushRules,
  onRelabelled?: OnRelabelled,
): Named | RelabelRule {
  if (rules.relabel.length === 0 || !isTouched({ name, labels }, rules)) return { name, labels };
  let last: RelabelRule | undefined;
  const set = relabel(labelSet({ name, labels }, rules), rules.relabelRuns, (rule, after) => {
    last = rule;
    onRelabelled?.(rule, after);
  });
  return set === undefined ? last! : namedOf(set);
}

/** False where it is plain that relabelling leaves a series as it is. */
function isTouched({ name, labels }: Named, { path, relabelRuns }: PushRules): boolean {
  const names = [NAME_LABEL];
  for (const label of labels) {
    if (label.name.startsWith('__')) return true;
    names.push(label.name);
  }
  for (const label of path) if (label.value !== '') names.push(`${PATH_PREFIX}${label.name}`);
  const valueOf = (of: string): string => {
    if (of === NAME_LABEL) return name;
    return of.startsWith(PATH_PREFIX)
      ? labelValue(path, of.slice(PATH_PREFIX.length))
      : labelValue(labels, of);
  };
  return mayChange(relabelRuns, { names, valueOf });
}

/** As Prometheus has it: sorted by name, `__name__` among the others. */
function labelSet({ name, labels }: Named, { path }: PushRules): LabelSet {
  const all: (readonly [string, string])[] = [[NAME_LABEL, name]];
  for (const label of labels) all.push([label.name, label.value]);
  for (const label of path) if (label.value !== '') all.push([`${PATH_PREFIX}${label.name}`, label.value]);
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What of a set is a series: labels that begin with two underscores were for the rules alone. */
function namedOf(set: LabelSet): Named {
  const labels: Label[] = [];
  for (const [name, value] of set) if (!name.startsWith('__')) labels.push({ name, value });
  return { name: set.get(NAME_LABEL) ?? '', labels };
}

/** The rule that says which labels series have. `name` is the base name of a histogram or summary, here and below. */
export function labelsRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.labels.find(series.name, () => series.labels);
}

export function labelsLeft(
  labels: readonly Label[],
  rule: MetricRule | undefined,
  { added }: PushRules,
): readonly Label[] {
  const { without, by } = rule ?? {};
  const left = labels.filter(
    ({ name }) => kept.has(name) || (by === undefined ? without?.includes(name) !== true : by.includes(name)),
  );
  const needsInstance = added.emptyInstance && added.labels.length > 0;
  return needsInstance && !left.some(({ name }) => name === 'instance') ? [...left, emptyInstance] : left;
}

/** The rule that says which type a family has where its senders declare none. */
export function typeRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.type.find(series.name, () => series.labels);
}

/** The rule that says what a gauge shows, of the labels that it has in the end. */
export function gaugeRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.gauge.find(series.name, () => series.labels);
}

/** The rule that says how long a series stays. */
export function ttlRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.ttl.find(series.name, () => series.labels);
}

/** The rule that says whether a summary is kept. */
export function summaryRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.summary.find(series.name, () => series.labels);
}

/** The rule that says which bounds a histogram has; its labels are without `le`. */
export function bucketsRule(series: Named, { matching }: PushRules): MetricRule | undefined {
  return matching.buckets.find(series.name, () => series.labels);
}
