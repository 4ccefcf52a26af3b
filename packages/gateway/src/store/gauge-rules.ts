/**
 * Which gauges show something else than the sum, as rules say. They are part of the aggregation config, as canonical JSON, so that a replay
 * comes to the same numbers:
 *
 *   [{"match":"queue_depth{job!=\"batch\"}","gauge":"last"}, …]    the first that matches decides; without `match` it matches all
 *
 * Matched is the series as the exposition shows it. A series has its policy as its kind, so that a rule is looked at once for each series
 * that is new, and for all when rules change.
 */
import { parseSeriesText } from '../model/series-text.ts';
import type { Label } from '../model/labels.ts';
import { Pace } from '../primitives/pace.ts';
import { atOnce } from '../primitives/turns.ts';
import { RuleProblem } from '../rules/rule-problem.ts';
import { PatternSet } from '../rules/pattern-set.ts';
import { gaugePolicies } from '../rules/rules.ts';
import type { GaugePolicy } from '../rules/rules.ts';
import { parseSelector } from '../rules/selector.ts';
import type { Selector } from '../rules/selector.ts';
import { AccumulatorKind } from './policies.ts';

const kindsByPolicy: Readonly<Record<GaugePolicy, AccumulatorKind>> = {
  sum: AccumulatorKind.GAUGE,
  last: AccumulatorKind.LAST,
  min: AccumulatorKind.MINIMUM,
  max: AccumulatorKind.MAXIMUM,
  avg: AccumulatorKind.AVERAGE,
  count: AccumulatorKind.SOURCES,
};

/** To compile the regular expressions of a rule is as much work as so many rows. */
const PARSED_ROWS = 4096;
/** Names of which it is remembered what may match them. */
const NAMES_MAX = 4096;
const NAME = '__name__';
/** A label that fewer rules match by a regular expression is looked at rule by rule. */
const AT_ONCE_MIN = 8;

export interface GaugeRule {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
  readonly policy: GaugePolicy;
  readonly kind: AccumulatorKind;
  readonly looksAtLabels: boolean;
  /** A label that has to match a regular expression, and whether the name has to. */
  readonly patternOf: string | undefined;
  readonly hasNamePattern: boolean;
}

const none: ReadonlySet<GaugeRule> = new Set();

/** The regular expressions of a label: those that it has to match for one of the rules. */
interface Required {
  readonly patterns: PatternSet;
  /** By the place of a pattern. */
  readonly rules: readonly GaugeRule[];
}

export class GaugeRules {
  readonly #rules: readonly GaugeRule[];
  /** By label. */
  readonly #required: ReadonlyMap<string, Required>;
  /** By metric name: the rules that may match it. */
  readonly #byName = new Map<string, readonly GaugeRule[]>();

  private constructor(rules: readonly GaugeRule[], required: ReadonlyMap<string, Required>) {
    this.#rules = rules;
    this.#required = required;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. */
  static parse(metricRules: string | undefined): GaugeRules {
    return atOnce(GaugeRules.parseInSteps(metricRules, new Pace()));
  }

  /** The same in steps. */
  static *parseInSteps(metricRules: string | undefined, pace: Pace): Generator<void, GaugeRules> {
    const rules: GaugeRule[] = [];
    for (const rule of metricRules === undefined ? [] : listed(metricRules)) {
      rules.push(readRule(rule));
      if (pace.isFull(PARSED_ROWS)) yield;
    }
    return new GaugeRules(rules, yield* requiredBy(rules));
  }

  has(kind: AccumulatorKind): boolean {
    return this.#rules.some((rule) => rule.kind === kind);
  }

  /** How many rules may match series of this name. */
  sizeFor(name: string): number {
    return this.#of(name).length;
  }

  /** What a series of a gauge is, by its canonical text. */
  kindOf(name: string, text: string): AccumulatorKind {
    return this.ruleOf(name, text)?.kind ?? AccumulatorKind.GAUGE;
  }

  /** The rule that decides it; undefined where none does. */
  ruleOf(name: string, text: string): GaugeRule | undefined {
    let labels: readonly Label[] | undefined;
    let label: string | undefined;
    let met: ReadonlySet<GaugeRule> | undefined;
    const metBy = new Map<string, ReadonlySet<GaugeRule> | undefined>();
    for (const rule of this.#of(name)) {
      // The name is known to match.
      if (!rule.looksAtLabels) return rule;
      labels ??= parseSeriesText(text).labels;
      // Rules that stand together mostly look at the same label.
      if (rule.patternOf !== label) {
        label = rule.patternOf;
        met = label === undefined ? undefined : metBy.get(label);
        if (label !== undefined && met === undefined) {
          met = this.#metBy(label, valueOf(labels, label));
          metBy.set(label, met);
        }
      }
      if (met !== undefined && (met.size === 0 || !met.has(rule))) continue;
      if (rule.match!.matches(name, labels)) return rule;
    }
    return undefined;
  }

  #of(name: string): readonly GaugeRule[] {
    if (this.#rules.length === 0) return this.#rules;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const met = this.#metBy(NAME, name);
    const rules = this.#rules.filter(
      (rule) =>
        (met === undefined || !rule.hasNamePattern || met.has(rule)) &&
        (rule.match === undefined || rule.match.mayMatch(name)),
    );
    if (this.#byName.size >= NAMES_MAX) this.#byName.clear();
    this.#byName.set(name, rules);
    return rules;
  }

  /** The rules that a value meets a pattern of; undefined where it is to be looked at one by one. */
  #metBy(label: string, value: string): ReadonlySet<GaugeRule> | undefined {
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

function readRule(rule: unknown): GaugeRule {
  const { match, gauge } = (typeof rule === 'object' && rule !== null ? rule : {}) as Record<string, unknown>;
  const policy = gaugePolicies.find((each) => each === gauge);
  if (policy === undefined || (match !== undefined && typeof match !== 'string'))
    throw new RuleProblem(`${JSON.stringify(rule)} is no metric rule`);
  const selector = match === undefined ? undefined : parseSelector(match);
  const matchers = selector?.matchers ?? [];
  const patterns = matchers.filter(({ op }) => op === '=~');
  return {
    match: selector,
    policy,
    kind: kindsByPolicy[policy],
    looksAtLabels: matchers.some(({ label }) => label !== NAME),
    patternOf: patterns.find(({ label }) => label !== NAME)?.label,
    hasNamePattern: patterns.some(({ label }) => label === NAME),
  };
}

/** By label, where many rules have a regular expression for it. */
function* requiredBy(rules: readonly GaugeRule[]): Generator<void, ReadonlyMap<string, Required>> {
  const byLabel = new Map<string, { readonly sources: string[]; readonly rules: GaugeRule[] }>();
  for (const rule of rules) {
    for (const { label, op, value } of rule.match?.matchers ?? []) {
      if (op !== '=~') continue;
      const own = byLabel.get(label) ?? { sources: [], rules: [] };
      byLabel.set(label, own);
      own.sources.push(value);
      own.rules.push(rule);
    }
  }
  const required = new Map<string, Required>();
  for (const [label, { sources, rules: own }] of byLabel)
    if (own.length >= AT_ONCE_MIN)
      required.set(label, { patterns: yield* PatternSet.compileInSteps(sources), rules: own });
  return required;
}

function valueOf(labels: readonly Label[], name: string): string {
  return labels.find((label) => label.name === name)?.value ?? '';
}
