/**
 * What rules would make of series that are stored, if they were pushed as they are shown. Who pushed them is not known: rules of sources are left
 * out, and so are those that depend on labels of the path.
 */
import { groupingKey, NAME_LABEL } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { parseSeriesText, seriesText } from '../../model/series-text.ts';
import type { RelabelRule, Rules } from '../../rules/rules.ts';
import type { State } from '../../state/state.ts';
import { isGrouped, isNative } from '../../store/policies.ts';
import { PATH_PREFIX, rulesForPath } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';
import { labelsLeft, labelsRule, relabelled } from './series-rules.ts';
import type { Named } from './series-rules.ts';

type Fate = 'stays' | 'renamed' | 'dropped';

/** A unit of work is a rule and so much of a text. */
const UNIT_CHARS = 64;
/** Names of which it is remembered which rules there are for them. */
const NAMES_MAX = 4096;

const onlyTakes: ReadonlySet<RelabelRule['action']> = new Set([
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'labeldrop',
  'labelkeep',
]);

/** Which series it is depends on none of these. */
const ofNobody = {
  byJob: false,
  counterResets: 'overwrite',
  pathLabels: 'drop',
  emptyInstance: false,
} as const;

export class StoredSeries {
  /** Some rules depend on labels of the path. */
  readonly leavesOut: boolean;
  /** No rule says anything. */
  readonly areAllFixed: boolean;
  readonly #state: State;
  readonly #rules: PushRules;
  readonly #mayRename: boolean;
  /** What they have taken away they cannot take away once more. */
  readonly #areDoneAtOnce: boolean;
  readonly #byName = new Map<string, PushRules>();

  constructor(state: State, rules: Rules) {
    const relabel = withoutPath(rules.relabel);
    const metrics = rules.metrics.filter(({ without, by }) => (without ?? by) !== undefined);
    this.leavesOut = relabel.length < rules.relabel.length;
    this.areAllFixed = relabel.length + metrics.length === 0;
    this.#state = state;
    this.#mayRename = relabel.some(mayRename);
    this.#areDoneAtOnce = metrics.length < 2 && relabel.every(({ action }) => onlyTakes.has(action));
    this.#rules = rulesForPath({ sources: [], relabel, metrics }, groupingKey([]), ofNobody);
  }

  /** What becomes of the series that an accumulator names. Yields units of work, between which the state may change. */
  *fateOf(accumulator: number): Generator<number, Fate> {
    const { accumulators, families } = this.#state;
    const { kind, composite, family } = accumulators;
    const base = families.get(family[accumulator]!).name;
    const parts = isGrouped(kind[accumulator]!)
      ? accumulators.membersOf(composite[accumulator]!).filter((member) => !isNative(kind[member]!))
      : [accumulator];
    const fates = new Set<Fate>();
    for (const text of parts.map((part) => accumulators.textOf(part))) {
      const { name, labels } = parseSeriesText(text);
      // An empty value is as no label.
      const series = { name, labels: labels.filter(({ value }) => value !== '') };
      if (!this.#byName.has(name)) yield unitsOf(this.#rules, name);
      const rules = this.#rulesFor(name, base);
      yield unitsOf(rules, text);
      fates.add(this.#fateOf(series, base, rules));
    }
    if (fates.size === 1) for (const fate of fates) return fate;
    // Some of its buckets may go, and others stay.
    return 'renamed';
  }

  #fateOf(series: Named, base: string, rules: PushRules): Fate {
    const suffix = series.name.slice(base.length);
    const becomes = becomesOf(series, suffix, rules);
    if (becomes === undefined) return 'dropped';
    const text = seriesText(becomes.name, becomes.labels);
    if (text === seriesText(series.name, series.labels)) return 'stays';
    if (this.#areDoneAtOnce) return 'renamed';
    // Rules that make something else of what they have made cannot be told from rules that have done so already.
    const newBase = becomes.name.endsWith(suffix)
      ? becomes.name.slice(0, -suffix.length || undefined)
      : becomes.name;
    const again = becomesOf(becomes, suffix, this.#rulesFor(becomes.name, newBase));
    return again === undefined || seriesText(again.name, again.labels) === text ? 'renamed' : 'stays';
  }

  /** Most rules are about some names alone. */
  #rulesFor(name: string, base: string): PushRules {
    let rules = this.#byName.get(name);
    if (rules !== undefined) return rules;
    const { relabel, metrics } = this.#rules;
    // Up to the first that may rename something, rules see the name as it is.
    const firstRenaming = relabel.findIndex(mayRename);
    const seen = firstRenaming < 0 ? relabel.length : firstRenaming + 1;
    rules = {
      ...this.#rules,
      relabel: relabel.filter((rule, i) => i >= seen || !leaves(rule, name)),
      metrics: this.#mayRename ? metrics : metrics.filter(({ match }) => match?.mayMatch(base) ?? true),
    };
    if (this.#byName.size >= NAMES_MAX) this.#byName.clear();
    this.#byName.set(name, rules);
    return rules;
  }
}

function unitsOf({ relabel, metrics }: PushRules, text: string): number {
  return 1 + (relabel.length + metrics.length) * Math.ceil(text.length / UNIT_CHARS);
}

/** Undefined where it is dropped. The suffix is that of a part of a histogram or summary, and empty for other series. */
function becomesOf(series: Named, suffix: string, rules: PushRules): Named | undefined {
  const becomes = relabelled(series, rules);
  if ('action' in becomes) return undefined;
  const { name, labels } = becomes;
  const matched =
    suffix !== '' && name.endsWith(suffix)
      ? { name: name.slice(0, -suffix.length), labels: labels.filter(isNoBound) }
      : becomes;
  return { name, labels: labelsLeft(labels, labelsRule(matched, rules), rules) };
}

function isNoBound({ name }: Label): boolean {
  return name !== 'le';
}

/** Labels that begin with two underscores are there for the rules alone: where they come from labels of the path, nobody knows them. */
function withoutPath(rules: readonly RelabelRule[]): readonly RelabelRule[] {
  const unknown = new Set<string>();
  const isUnknown = (label: string): boolean => label.startsWith(PATH_PREFIX) || unknown.has(label);
  return rules.filter(({ action, sourceLabels, targetLabel }) => {
    const compares = action === 'keepequal' || action === 'dropequal';
    if (!sourceLabels.some(isUnknown) && !(compares && isUnknown(targetLabel))) return true;
    if (!compares && targetLabel.startsWith('__') && targetLabel !== NAME_LABEL) unknown.add(targetLabel);
    return false;
  });
}

/** Whether a rule may make another name of a name. */
function mayRename({ action, regex, targetLabel }: RelabelRule): boolean {
  switch (action) {
    case 'replace':
      return targetLabel === NAME_LABEL || targetLabel.includes('$');
    case 'lowercase':
    case 'uppercase':
    case 'hashmod':
      return targetLabel === NAME_LABEL;
    case 'labelmap':
      return true;
    case 'labeldrop':
      return regex.matches(NAME_LABEL);
    case 'labelkeep':
      return !regex.matches(NAME_LABEL);
    case 'keep':
    case 'drop':
    case 'keepequal':
    case 'dropequal':
      return false;
  }
}

/** Whether a rule leaves all series of this name as they are. */
function leaves({ action, regex, sourceLabels }: RelabelRule, name: string): boolean {
  if (sourceLabels.length !== 1 || sourceLabels[0] !== NAME_LABEL) return false;
  if (action === 'keep') return regex.matches(name);
  return (action === 'drop' || action === 'replace') && !regex.matches(name);
}
