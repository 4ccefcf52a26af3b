/**
 * Which gauges show something else than the sum, as rules say (setting-rules.ts). A series has its policy as its kind.
 */
import { Pace } from '../primitives/pace.ts';
import { atOnce } from '../primitives/turns.ts';
import type { GaugePolicy } from '../rules/rules.ts';
import type { Selector } from '../rules/selector.ts';
import { AccumulatorKind } from './policies.ts';
import { SettingRules } from './setting-rules.ts';

const kindsByPolicy: Readonly<Record<GaugePolicy, AccumulatorKind>> = {
  sum: AccumulatorKind.GAUGE,
  last: AccumulatorKind.LAST,
  min: AccumulatorKind.MINIMUM,
  max: AccumulatorKind.MAXIMUM,
  avg: AccumulatorKind.AVERAGE,
  count: AccumulatorKind.SOURCES,
};

export interface GaugeRule {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
  readonly policy: GaugePolicy;
  readonly kind: AccumulatorKind;
}

interface GaugeSetting {
  readonly policy: GaugePolicy;
  /** 0 for none. */
  readonly windowMs: number;
}

export class GaugeRules {
  /** Infinity where there is none. */
  readonly shortestWindowMs: number;
  readonly #rules: SettingRules<GaugeSetting>;

  private constructor(rules: SettingRules<GaugeSetting>, shortestWindowMs: number) {
    this.shortestWindowMs = shortestWindowMs;
    this.#rules = rules;
  }

  /** Of AggregationConfig.metricRules. Throws a RuleProblem. */
  static parse(metricRules: string | undefined): GaugeRules {
    return atOnce(GaugeRules.parseInSteps(metricRules, new Pace()));
  }

  /** The same in steps. */
  static *parseInSteps(metricRules: string | undefined, pace: Pace): Generator<void, GaugeRules> {
    let shortestMs = Number.POSITIVE_INFINITY;
    const rules = yield* SettingRules.parseInSteps(
      metricRules,
      ({ gauge: policy, windowMs = 0 }) => {
        if (windowMs > 0) shortestMs = Math.min(shortestMs, windowMs);
        return policy && { policy, windowMs };
      },
      pace,
    );
    return new GaugeRules(rules, shortestMs);
  }

  /** Whether there are any. */
  get areSome(): boolean {
    return this.#rules.some(() => true);
  }

  has(kind: AccumulatorKind): boolean {
    return this.#rules.some(({ policy }) => kindsByPolicy[policy] === kind);
  }

  /** How many rules may match series of this name. */
  sizeFor(name: string): number {
    return this.#rules.forName(name).length;
  }

  /** What a series of a gauge is, by its canonical text. */
  kindOf(name: string, text: string): AccumulatorKind {
    return this.ruleOf(name, text)?.kind ?? AccumulatorKind.GAUGE;
  }

  /** The rule that decides it; undefined where none does. */
  ruleOf(name: string, text: string): GaugeRule | undefined {
    const rule = this.#rules.ruleOf(name, text);
    if (rule === undefined) return undefined;
    const { match, setting } = rule;
    return { match, policy: setting.policy, kind: kindsByPolicy[setting.policy] };
  }

  /** Whether there may be series of this name that have a window. */
  mayHaveWindow(name: string): boolean {
    if (this.shortestWindowMs === Number.POSITIVE_INFINITY) return false;
    return this.#rules.forName(name).some(({ rule }) => rule.setting.windowMs > 0);
  }

  /** Of a series of a gauge, by its canonical text; 0 where it has none. */
  windowMsOf(name: string, text: string): number {
    return this.#rules.ruleOf(name, text)?.setting.windowMs ?? 0;
  }
}
