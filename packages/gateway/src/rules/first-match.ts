/**
 * Finds the first of many rules that matches a series. What a rule says of the name is found out once for each name, and regular expressions for a
 * label that many rules have are matched in one pass (pattern-set.ts), so that it costs as much as the rules that do match.
 */
import { labelValue, NAME_LABEL } from '../model/labels.ts';
import type { Label } from '../model/labels.ts';
import { AT_ONCE_MIN, PatternSet } from './pattern-set.ts';
import type { Matcher, Selector } from './selector.ts';

/** What is remembered of names: so many rules that may match them, and characters. Then it is found out anew. */
const REMEMBERED_MAX = 1 << 20;
/** What a name takes besides. */
const NAME_COST = 16;

interface Matched {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
}

export interface MatchingRule<Rule> {
  readonly rule: Rule;
  /** Whether there is more to it than the name. */
  readonly looksAtLabels: boolean;
}

interface Prepared<Rule> extends MatchingRule<Rule> {
  /** Its place among the rules. */
  readonly place: number;
  readonly match: Selector | undefined;
  /** A label that has to match a regular expression. */
  readonly patternOf: string | undefined;
  readonly hasNamePattern: boolean;
}

/** The regular expressions of a label: those that it has to match for one of the rules. */
interface Required {
  readonly patterns: PatternSet;
  /** By the place of a pattern: that of its rule. */
  readonly rules: readonly number[];
}

/** The rules that may match series of a name. */
interface OfName<Rule> {
  readonly rules: readonly Prepared<Rule>[];
  /** Those to be looked at one by one, and the labels that say which of the others are. */
  readonly singly: readonly Prepared<Rule>[];
  readonly labels: readonly string[];
  /** By place. */
  readonly others: ReadonlyMap<number, Prepared<Rule>>;
}

export class FirstMatch<Rule extends Matched> {
  readonly #rules: readonly Prepared<Rule>[];
  /** By label. */
  readonly #required: ReadonlyMap<string, Required>;
  readonly #byName = new Map<string, OfName<Rule>>();
  #remembered = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map((rule, place) => prepared(rule, place));
    this.#required = requiredBy(this.#rules);
  }

  /** Compiles what else is compiled a part at a time while series are looked for. */
  *compileInSteps(): Generator<void, void> {
    for (const { patterns } of this.#required.values()) while (patterns.compileMore()) yield;
  }

  /** How many rules and passes over a label a series may have to be looked at by. */
  get looks(): number {
    let looks = 0;
    const isAlone = ({ patternOf }: Prepared<Rule>): boolean =>
      patternOf === undefined || !this.#required.has(patternOf);
    for (const rule of this.#rules) if (isAlone(rule)) looks += 1;
    for (const { patterns } of this.#required.values()) looks += patterns.looks;
    return looks;
  }

  some(isSo: (rule: Rule) => boolean): boolean {
    return this.#rules.some(({ rule }) => isSo(rule));
  }

  /** The rules that may match series of this name; the first that does decides. */
  forName(name: string): readonly MatchingRule<Rule>[] {
    return this.#ofName(name).rules;
  }

  /** `labelsOf` is asked only where they matter. */
  find(name: string, labelsOf: () => readonly Label[]): Rule | undefined {
    if (this.#rules.length === 0) return undefined;
    const { rules, singly, labels: required, others } = this.#ofName(name);
    const [first] = rules;
    if (first === undefined) return undefined;
    // The name is known to match.
    if (!first.looksAtLabels) return first.rule;
    const labels = labelsOf();
    const met = required.length === 0 ? [] : this.#met(required, labels, others);
    const candidates = met.length === 0 ? singly : [...singly, ...met].sort((a, b) => a.place - b.place);
    for (const { rule, match, looksAtLabels } of candidates)
      if (!looksAtLabels || match!.matches(name, labels)) return rule;
    return undefined;
  }

  /** Those of `others` of which a label matches the regular expression that it must. */
  #met(
    required: readonly string[],
    labels: readonly Label[],
    others: OfName<Rule>['others'],
  ): Prepared<Rule>[] {
    const met: Prepared<Rule>[] = [];
    for (const label of required) {
      const { patterns, rules } = this.#required.get(label)!;
      for (const place of patterns.matching(labelValue(labels, label))) {
        const rule = others.get(rules[place]!);
        if (rule?.patternOf === label) met.push(rule);
      }
    }
    return met;
  }

  #ofName(name: string): OfName<Rule> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const names = this.#required.get(NAME_LABEL);
    const met = names && new Set(names.patterns.matching(name).map((place) => names.rules[place]!));
    const rules = this.#rules.filter(
      ({ match, hasNamePattern, place }) =>
        (met === undefined || !hasNamePattern || met.has(place)) &&
        (match === undefined || match.mayMatch(name)),
    );
    const isOther = ({ patternOf }: Prepared<Rule>): boolean =>
      patternOf !== undefined && this.#required.has(patternOf);
    const others = rules.filter(isOther);
    const ofName = {
      rules,
      singly: rules.filter((rule) => !isOther(rule)),
      labels: [...new Set(others.map(({ patternOf }) => patternOf!))],
      others: new Map(others.map((rule) => [rule.place, rule])),
    };
    this.#remember(name, ofName);
    return ofName;
  }

  #remember(name: string, ofName: OfName<Rule>): void {
    const cost = ofName.rules.length * 2 + name.length + NAME_COST;
    if (this.#remembered + cost > REMEMBERED_MAX) {
      this.#byName.clear();
      this.#remembered = 0;
    }
    this.#remembered += cost;
    this.#byName.set(name, ofName);
  }
}

function prepared<Rule extends Matched>(rule: Rule, place: number): Prepared<Rule> {
  const matchers = rule.match?.matchers ?? [];
  const patterns = matchers.filter(({ op }) => op === '=~');
  return {
    rule,
    place,
    match: rule.match,
    looksAtLabels: matchers.some(({ label }) => label !== NAME_LABEL),
    patternOf: patterns.find(({ label }) => label !== NAME_LABEL)?.label,
    hasNamePattern: patterns.some(({ label }) => label === NAME_LABEL),
  };
}

/** By label, where many rules have a regular expression for it. */
function requiredBy(rules: readonly Prepared<unknown>[]): ReadonlyMap<string, Required> {
  const byLabel = new Map<string, { readonly patterns: Matcher[]; readonly rules: number[] }>();
  for (const { match, place } of rules)
    for (const matcher of match?.matchers ?? []) {
      if (matcher.op !== '=~') continue;
      const own = byLabel.get(matcher.label) ?? { patterns: [], rules: [] };
      byLabel.set(matcher.label, own);
      own.patterns.push(matcher);
      own.rules.push(place);
    }
  const required = new Map<string, Required>();
  for (const [label, { patterns, rules: own }] of byLabel)
    if (own.length >= AT_ONCE_MIN) required.set(label, { patterns: new PatternSet(patterns), rules: own });
  return required;
}
