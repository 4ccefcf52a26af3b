/**
 * Prometheus' relabelling: what a list of rules makes of one set of labels, the metric name among them as `__name__`. An empty value is
 * as no label. What comes out is not checked: a set without a name, or with a label of an empty name, is for the caller to refuse.
 *
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 */
import { createHash } from 'node:crypto';

import { lowerCase, upperCase } from './letter-case.ts';
import { sourceOf } from './relabel-runs.ts';
import type { RelabelRun } from './relabel-runs.ts';
import type { RelabelRule } from './rules.ts';

/** Values by name, none of them empty, sorted by name. */
export type LabelSet = ReadonlyMap<string, string>;

/** Is told of each rule that made something else of a series: of what it made, which is to be read at once, or undefined where it dropped it. */
export type OnRelabelled = (rule: RelabelRule, labels: LabelSet | undefined) => void;

/** Undefined when a rule drops the series. The set given is not changed. */
export function relabel(
  labels: LabelSet,
  runs: readonly RelabelRun[],
  onRelabelled?: OnRelabelled,
): LabelSet | undefined {
  const set = new ChangingSet(labels);
  for (const { rules, patterns } of runs) {
    const [first = rules.length] = patterns === undefined ? [0] : patterns.matching(sourceOf(rules[0]!, set));
    for (let i = first; i < rules.length; i += 1) {
      const rule = rules[i]!;
      const before = set.changes;
      if (!apply(rule, set)) {
        onRelabelled?.(rule, undefined);
        return undefined;
      }
      if (set.changes !== before) onRelabelled?.(rule, set.labels);
    }
  }
  return set.changes === 0 ? labels : set.labels;
}

/** False when the series is dropped. */
function apply(rule: RelabelRule, set: ChangingSet): boolean {
  const { action, regex, targetLabel } = rule;
  switch (action) {
    case 'keep':
      return regex.matches(sourceOf(rule, set));
    case 'drop':
      return !regex.matches(sourceOf(rule, set));
    case 'keepequal':
      return set.valueOf(targetLabel) === sourceOf(rule, set);
    case 'dropequal':
      return set.valueOf(targetLabel) !== sourceOf(rule, set);
    case 'replace':
      replace(rule, set);
      return true;
    case 'lowercase':
      set.set(targetLabel, lowerCase(sourceOf(rule, set)));
      return true;
    case 'uppercase':
      set.set(targetLabel, upperCase(sourceOf(rule, set)));
      return true;
    case 'hashmod':
      set.set(targetLabel, String(hashOf(sourceOf(rule, set)) % BigInt(rule.modulus)));
      return true;
    case 'labelmap':
      for (const [name, value] of set.all()) {
        const target = regex.expand(name, rule.replacement);
        if (target !== undefined) set.set(target, value);
      }
      return true;
    case 'labeldrop':
      for (const [name] of set.all()) if (regex.matches(name)) set.delete(name);
      return true;
    case 'labelkeep':
      for (const [name] of set.all()) if (!regex.matches(name)) set.delete(name);
      return true;
  }
}

function replace(rule: RelabelRule, set: ChangingSet): void {
  const value = sourceOf(rule, set);
  const target = rule.regex.expand(value, rule.targetLabel);
  // It does not match, or makes no name: then nothing is replaced.
  if (target === undefined || target === '') return;
  set.set(target, rule.regex.expand(value, rule.replacement)!);
}

/** The last 8 bytes of MD5, as earlier versions of Prometheus had it. */
function hashOf(text: string): bigint {
  return createHash('md5').update(text).digest().readBigUInt64BE(8);
}

/**
 * Labels while rules change them. Prometheus goes through them in this order, which `labelmap` shows where two names become one: those
 * that are as they were, then those that a rule has set, as they were first set.
 */
class ChangingSet {
  readonly #labels: Map<string, string>;
  readonly #wereSet = new Set<string>();
  /** How often something was changed. */
  changes = 0;

  constructor(labels: LabelSet) {
    this.#labels = new Map(labels);
  }

  /** In no order. */
  get labels(): LabelSet {
    return this.#labels;
  }

  valueOf(name: string): string {
    return this.#labels.get(name) ?? '';
  }

  /** As they are now, whatever changes while they are gone through. */
  all(): readonly (readonly [string, string])[] {
    return [...this.#labels];
  }

  set(name: string, value: string): void {
    if (value === '') {
      this.delete(name);
      return;
    }
    const before = this.#labels.get(name);
    if (before !== value) this.changes += 1;
    if (!this.#wereSet.has(name)) {
      this.#wereSet.add(name);
      // It goes to the end.
      this.#labels.delete(name);
    }
    this.#labels.set(name, value);
  }

  delete(name: string): void {
    this.#wereSet.delete(name);
    if (this.#labels.delete(name)) this.changes += 1;
  }
}
