/**
 * What rules say of metrics that the state acts upon, as canonical JSON in the aggregation config, so that a replay comes to the same numbers:
 *
 *   [{"match":"queue_depth{job!=\\"batch\\"}","gauge":"max","window":300000,"ttl":7200000}, {"summary":"discard"}, …]
 *
 * Without `match` it matches all. Times are in milliseconds. Each setting comes from the first that matches and has it. Matched is the series as the exposition shows it, so
 * that a rule is looked at once for each series that is new, and for all when rules change.
 */
import { parseSeriesText } from '../model/series-text.ts';
import { labelValue, NAME_LABEL } from '../model/labels.ts';
import type { Label } from '../model/labels.ts';
import type { Pace } from '../primitives/pace.ts';
import { RuleProblem } from '../rules/rule-problem.ts';
import { PatternSet } from '../rules/pattern-set.ts';
import { gaugePolicies, summaryTreatments, windowedPolicies } from '../rules/rules.ts';
import type { GaugePolicy, SummaryTreatment } from '../rules/rules.ts';
import { parseSelector } from '../rules/selector.ts';
import type { Selector } from '../rules/selector.ts';

/** To compile the regular expressions of a rule is as much work as so many rows. */
const PARSED_ROWS = 4096;
/** Names of which it is remembered what may match them. */
const NAMES_MAX = 4096;
/** A label that fewer rules match by a regular expression is looked at rule by rule. */
const AT_ONCE_MIN = 8;

/** An entry, as far as it is known here. */
interface RuleEntry {
  readonly match: string | undefined;
  readonly gauge: GaugePolicy | undefined;
  readonly windowMs: number | undefined;
  readonly ttlMs: number | undefined;
  readonly summary: SummaryTreatment | undefined;
}

/** What matches, and how to find that out. */
interface Matching {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
  readonly looksAtLabels: boolean;
  /** A label that has to match a regular expression, and whether the name has to. */
  readonly patternOf: string | undefined;
  readonly hasNamePattern: boolean;
}

/** What the rules say of one setting. */
type SettingRule<Setting> = Matching & { readonly setting: Setting };

/** The regular expressions of a label: those that it has to match for one of the rules. */
interface Required<Rule> {
  readonly patterns: PatternSet;
  /** By the place of a pattern. */
  readonly rules: readonly Rule[];
}

const none: ReadonlySet<never> = new Set();

/** The rules that have one setting. */
export class SettingRules<Setting> {
  readonly #rules: readonly SettingRule<Setting>[];
  /** By label. */
  readonly #required: ReadonlyMap<string, Required<SettingRule<Setting>>>;
  /** By metric name: the rules that may match it. */
  readonly #byName = new Map<string, readonly SettingRule<Setting>[]>();

  private constructor(
    rules: readonly SettingRule<Setting>[],
    required: ReadonlyMap<string, Required<SettingRule<Setting>>>,
  ) {
    this.#rules = rules;
    this.#required = required;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. `settingOf` is undefined where an entry does not have it. */
  static *parseInSteps<Setting>(
    metricRules: string | undefined,
    settingOf: (entry: RuleEntry) => Setting | undefined,
    pace: Pace,
  ): Generator<void, SettingRules<Setting>> {
    const rules: SettingRule<Setting>[] = [];
    for (const listedRule of metricRules === undefined ? [] : listed(metricRules)) {
      const entry = readEntry(listedRule);
      const setting = settingOf(entry);
      if (setting === undefined) continue;
      rules.push({ ...matchingOf(entry.match), setting });
      if (pace.isFull(PARSED_ROWS)) yield;
    }
    return new SettingRules(rules, yield* requiredBy(rules));
  }

  some(isSo: (setting: Setting) => boolean): boolean {
    return this.#rules.some(({ setting }) => isSo(setting));
  }

  /** The rules that may match series of this name; the first that does decides. */
  forName(name: string): readonly SettingRule<Setting>[] {
    if (this.#rules.length === 0) return this.#rules;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const met = this.#metBy(NAME_LABEL, name);
    const rules = this.#rules.filter(
      (rule) =>
        (met === undefined || !rule.hasNamePattern || met.has(rule)) &&
        (rule.match === undefined || rule.match.mayMatch(name)),
    );
    if (this.#byName.size >= NAMES_MAX) this.#byName.clear();
    this.#byName.set(name, rules);
    return rules;
  }

  /** The rule that decides it for a series, by its canonical text; undefined where none does. */
  ruleOf(name: string, text: string): SettingRule<Setting> | undefined {
    let labels: readonly Label[] | undefined;
    let label: string | undefined;
    let met: ReadonlySet<SettingRule<Setting>> | undefined;
    const metBy = new Map<string, ReadonlySet<SettingRule<Setting>> | undefined>();
    for (const rule of this.forName(name)) {
      // The name is known to match.
      if (!rule.looksAtLabels) return rule;
      labels ??= parseSeriesText(text).labels;
      // Rules that stand together mostly look at the same label.
      if (rule.patternOf !== label) {
        label = rule.patternOf;
        met = label === undefined ? undefined : metBy.get(label);
        if (label !== undefined && met === undefined) {
          met = this.#metBy(label, labelValue(labels, label));
          metBy.set(label, met);
        }
      }
      if (met !== undefined && (met.size === 0 || !met.has(rule))) continue;
      if (rule.match!.matches(name, labels)) return rule;
    }
    return undefined;
  }

  /** The rules that a value meets a pattern of; undefined where it is to be looked at one by one. */
  #metBy(label: string, value: string): ReadonlySet<SettingRule<Setting>> | undefined {
    const required = this.#required.get(label);
    if (required === undefined) return undefined;
    const places = required.patterns.matching(value);
    return places.length === 0 ? none : new Set(places.map((place) => required.rules[place]!));
  }
}

function listed(text: string): readonly unknown[] {
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    throw new RuleProblem('metric rules are not JSON');
  }
  if (!Array.isArray(rules)) throw new RuleProblem('metric rules are not a list');
  return rules;
}

function readEntry(rule: unknown): RuleEntry {
  const fields = (typeof rule === 'object' && rule !== null ? rule : {}) as Record<string, unknown>;
  const { match, gauge, window, ttl, summary } = fields;
  const entry: RuleEntry = {
    match: typeof match === 'string' ? match : undefined,
    gauge: gaugePolicies.find((each) => each === gauge),
    windowMs: typeof window === 'number' && window > 0 ? window : undefined,
    ttlMs: typeof ttl === 'number' && ttl >= 0 ? ttl : undefined,
    summary: summaryTreatments.find((each) => each === summary),
  };
  const isKnown =
    entry.match === match &&
    entry.gauge === gauge &&
    entry.windowMs === window &&
    entry.ttlMs === ttl &&
    entry.summary === summary &&
    (window === undefined || windowedPolicies.some((each) => each === gauge));
  const isEmpty = gauge === undefined && ttl === undefined && summary === undefined;
  if (!isKnown || isEmpty) throw new RuleProblem(`${JSON.stringify(rule)} is no metric rule`);
  return entry;
}

function matchingOf(match: string | undefined): Matching {
  const selector = match === undefined ? undefined : parseSelector(match);
  const matchers = selector?.matchers ?? [];
  const patterns = matchers.filter(({ op }) => op === '=~');
  return {
    match: selector,
    looksAtLabels: matchers.some(({ label }) => label !== NAME_LABEL),
    patternOf: patterns.find(({ label }) => label !== NAME_LABEL)?.label,
    hasNamePattern: patterns.some(({ label }) => label === NAME_LABEL),
  };
}

/** By label, where many rules have a regular expression for it. */
function* requiredBy<Rule extends Matching>(
  rules: readonly Rule[],
): Generator<void, ReadonlyMap<string, Required<Rule>>> {
  const byLabel = new Map<string, { readonly sources: string[]; readonly rules: Rule[] }>();
  for (const rule of rules) {
    for (const { label, op, value } of rule.match?.matchers ?? []) {
      if (op !== '=~') continue;
      const own = byLabel.get(label) ?? { sources: [], rules: [] };
      byLabel.set(label, own);
      own.sources.push(value);
      own.rules.push(rule);
    }
  }
  const required = new Map<string, Required<Rule>>();
  for (const [label, { sources, rules: own }] of byLabel)
    if (own.length >= AT_ONCE_MIN)
      required.set(label, { patterns: yield* PatternSet.compileInSteps(sources), rules: own });
  return required;
}
