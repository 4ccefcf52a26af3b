/**
 * Finds the series that a sample becomes, and the histogram or summary series that it is part of. Here it is seen to that the rules leave
 * such series whole: all parts of a family must go on under one name, and all parts of one series with the same labels.
 */
import { createHash } from 'node:crypto';

import type { Label } from '../../model/labels.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { parseSeriesText, seriesText } from '../../model/series-text.ts';
import { formatFloat64, parseFloat64 } from '../../primitives/float.ts';
import { shorten } from '../../primitives/quote.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import type { MetricRule, RelabelRule } from '../../rules/rules.ts';
import type { Limits } from '../../store/limits.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import { checkSeriesLimits, compositeLabels, duplicateSeries, kindOf, upperBound } from '../sample-kinds.ts';
import { foldedBound } from './merge-histograms.ts';
import { namelessLabel, torn, typesMeet, unnamed } from './problems.ts';
import { partOf } from './pushed-families.ts';
import type { PushedFamilies, PushedFamily, Role } from './pushed-families.ts';
import { nameOfMetricRule, nameOfRelabelRule } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';
import { NONE } from './rewritten-push.ts';
import type { RewrittenFamily, RewrittenPush } from './rewritten-push.ts';
import {
  bucketsRule,
  gaugeRule,
  labelsLeft,
  labelsRule,
  relabelled,
  typeRule,
  withLabelsOfPath,
} from './series-rules.ts';
import type { Named } from './series-rules.ts';

/** Longer texts are known by a digest, as they have no place in a table. */
const TEXT_CHARS_MAX = 20_000;

export interface Placed {
  readonly series: number;
  /** NONE for a sample that is a series by itself. */
  readonly group: number;
  /** Of a bucket, before any rule. */
  readonly pushedBound: number;
}

/** What became of one series, and which rules did it. */
export interface Trace {
  /** As the body has it. */
  readonly pushed: string;
  readonly steps: readonly string[];
  /** Undefined where a rule dropped it. */
  readonly becomes: string | undefined;
}

/** A sample and what it is of, by what the push says. */
interface Sample extends Named {
  readonly family: PushedFamily;
  readonly role: Role;
  /** As the push declares it, or the state knows it. */
  readonly type: MetricType | undefined;
  /** Its text, for messages. */
  readonly text: string;
  readonly pushedBound: number;
  readonly offset: number;
}

export class SeriesPlacer {
  readonly #push: RewrittenPush;
  readonly #families: PushedFamilies;
  readonly #limits: Limits;
  readonly #typeOf: (name: string) => MetricType | undefined;
  readonly #scratch: TextScratch;
  /** Series as pushed, so that one that stands twice is found. */
  readonly #pushed: ByteTable;
  #rules!: PushRules;
  #trace: ((trace: Trace) => void) | undefined;
  #steps: string[] = [];

  constructor(parts: {
    readonly push: RewrittenPush;
    readonly families: PushedFamilies;
    readonly limits: Limits;
    readonly hashSeed: number;
    /** What the state knows a family as. */
    readonly typeOf: (name: string) => MetricType | undefined;
  }) {
    this.#push = parts.push;
    this.#families = parts.families;
    this.#limits = parts.limits;
    this.#typeOf = parts.typeOf;
    this.#scratch = new TextScratch(parts.hashSeed);
    this.#pushed = new ByteTable(parts.hashSeed);
  }

  begin(rules: PushRules, trace: ((trace: Trace) => void) | undefined): void {
    this.#rules = rules;
    this.#trace = trace;
  }

  /** Lets go of the push. */
  clear(): void {
    this.#pushed.clear();
  }

  /** The text of the series that a counter or a count becomes; undefined when a rule drops it. */
  textOf(name: string, labels: readonly Label[]): string | undefined {
    const sample = this.#sampleOf(name, labels, 0);
    const becomes = relabelled(sample, this.#rules);
    if ('action' in becomes || becomes.name === '') return undefined;
    const base = sample.role === '_count' ? becomes.name.replace(/_count$/, '') : becomes.name;
    return seriesText(becomes.name, this.#left({ ...becomes, name: base }, becomes));
  }

  /** Undefined when a rule drops the sample. Throws a PushProblem where it cannot be what the rules make of it. */
  place(
    name: string,
    labels: readonly Label[],
    at: { readonly offset: number; readonly isOnlyOne?: boolean },
  ): Placed | undefined {
    const { offset } = at;
    const sample = this.#sampleOf(name, labels, offset);
    sample.family.isSampled = true;
    if (this.#trace !== undefined) this.#beginSteps(labels);
    const becomes = relabelled(sample, this.#rules, this.#trace && ((rule) => this.#step(rule)));
    if ('action' in becomes) {
      this.#noteCut(sample, becomes);
      this.#trace?.({ pushed: seriesText(name, labels), steps: this.#steps, becomes: undefined });
      return undefined;
    }
    this.#checkNames(sample, becomes);
    if (at.isOnlyOne !== true) this.#checkOnce(sample);
    const placed = this.#place(sample, becomes);
    this.#trace?.({
      pushed: seriesText(name, labels),
      steps: this.#steps,
      becomes: this.#shown(placed),
    });
    return placed;
  }

  /** The text of a series as the exposition will have it. */
  #shown({ series, group }: Placed): string {
    const { series: texts, compositeOf, bucketsOf, boundOf, roleOf } = this.#push;
    const text = texts.textOf(series);
    const listed = group === NONE ? undefined : bucketsOf.get(compositeOf[group]!);
    if (listed === undefined || roleOf[series] !== '_bucket') return text;
    const { name, labels } = parseSeriesText(text);
    const others = labels.filter((label) => label.name !== 'le');
    return seriesText(name, others, formatFloat64(foldedBound(boundOf[series]!, listed)));
  }

  #beginSteps(pushed: readonly Label[]): void {
    const names = this.#rules.added.labels
      .filter(({ name, value }) => value !== pushed.find((label) => label.name === name)?.value)
      .map(({ name }) => name);
    this.#steps = names.length === 0 ? [] : [`path labels ${names.join(', ')}`];
  }

  #step(rule: RelabelRule): void {
    const name = `${nameOfRelabelRule(this.#rules.rules, rule)} ${rule.action}`;
    if (this.#steps.at(-1) !== name) this.#steps.push(name);
  }

  #metricStep(rule: MetricRule, does: string): void {
    if (this.#trace !== undefined) this.#steps.push(`${nameOfMetricRule(this.#rules.rules, rule)} ${does}`);
  }

  #sampleOf(name: string, pushedLabels: readonly Label[], offset: number): Sample {
    const { family, role } = this.#families.route(name, offset);
    const labels = withLabelsOfPath(pushedLabels, this.#rules);
    return { name, labels, family, role, type: family.type, offset, ...textOf(name, labels, role) };
  }

  #place(sample: Sample, becomes: Named): Placed {
    const { family, role, name, offset } = sample;
    if (role !== '') return this.#placePart(sample, becomes);
    if (family.type !== undefined) {
      // It has no such sample.
      if (hasBuckets(family.type)) kindOf({ family: { type: family.type }, role: 'own' }, name, offset);
      return this.#placeAlone(sample, becomes);
    }
    const part = partOf(becomes.name, this.#typeOf);
    if (part === undefined) return this.#placeAlone(sample, becomes);
    const base =
      part.role === 'quantile' || !name.endsWith(part.role) ? name : name.slice(0, -part.role.length);
    return this.#placePart(
      {
        ...sample,
        family: this.#families.undeclared(base, offset),
        role: part.role,
        type: this.#typeOf(part.base),
        ...textOf(name, sample.labels, part.role),
      },
      becomes,
    );
  }

  #placeAlone({ family: from, offset }: Sample, becomes: Named): Placed {
    const { name } = becomes;
    const labels = this.#left(becomes, becomes);
    const text = seriesText(name, labels);
    checkSeriesLimits(this.#limits, labels.length, text, offset);
    const family = this.#join(name, from, offset);
    if (from.type === undefined && (family.typeByRule === undefined || this.#trace !== undefined))
      family.typeByRule ??= this.#typeByRule({ name, labels });
    if (this.#trace !== undefined && (from.type ?? family.typeByRule) === 'gauge') {
      const rule = gaugeRule({ name, labels }, this.#rules);
      if (rule !== undefined) this.#metricStep(rule, `gauge ${rule.gauge}`);
    }
    const series = this.#push.seriesAt(
      this.#scratch.write(text),
      { family, role: '', bound: Number.NaN },
      NONE,
    );
    return { series, group: NONE, pushedBound: Number.NaN };
  }

  #placePart(sample: Sample, becomes: Named): Placed {
    const { family: from, role, offset, pushedBound } = sample;
    const type = sample.type!;
    this.#checkPart(sample, type);
    const base = this.#baseOf(sample, becomes);
    this.#keepName(sample, becomes, base);
    const bound = role === '_bucket' ? this.#boundOf(sample, becomes) : Number.NaN;
    const reserved = hasBuckets(type) ? 'le' : 'quantile';
    const hasReserved = becomes.labels.some(({ name }) => name === reserved);
    if (hasReserved && role !== '_bucket' && role !== 'quantile')
      throw torn(sample, `gets a label ${reserved}`);
    const shared = this.#left(
      { name: base, labels: becomes.labels.filter(({ name }) => name !== reserved) },
      becomes,
    );
    const quantile = becomes.labels.filter(({ name }) => role === 'quantile' && name === 'quantile');
    const text = seriesText(
      becomes.name,
      [...shared, ...quantile],
      role === '_bucket' ? formatFloat64(bound) : undefined,
    );
    checkSeriesLimits(this.#limits, shared.length + (hasReserved ? 1 : 0), text, offset);
    const family = this.#join(base, from, offset);
    const composite = this.#compositeAt({ name: base, labels: shared }, family, hasBuckets(type));
    const group = this.#groupOf(sample);
    this.#keepWhole(sample, text, group, composite);
    const series = this.#push.seriesAt(this.#scratch.write(text), { family, role, bound }, composite);
    return { series, group, pushedBound };
  }

  /** Throws a PushProblem for what is wrong with a part as pushed. */
  #checkPart({ role, name, labels, pushedBound, offset }: Sample, type: MetricType): void {
    if (role === '' || role === 'quantile') return;
    compositeLabels({ family: { type }, role }, name, labels, offset);
    if (role === '_bucket' && Number.isNaN(pushedBound)) upperBound(name, labels, offset);
  }

  /** The name of the family that a part is of now. */
  #baseOf(sample: Sample, { name }: Named): string {
    const { role } = sample;
    const suffix = role === 'quantile' ? '' : role;
    if (name.endsWith(suffix) && name.length > suffix.length)
      return name.slice(0, name.length - suffix.length);
    throw torn(sample, `becomes ${shorten(name)}, which does not end in ${suffix}`);
  }

  #keepName(sample: Sample, becomes: Named, base: string): void {
    const { family, text } = sample;
    family.becomes ??= { name: base, series: text };
    const { name, series } = family.becomes;
    if (name === base) return;
    throw torn(
      sample,
      `becomes ${shorten(becomes.name)}, but ${shorten(series)} is of ${shorten(name)}; rename all of its samples alike`,
    );
  }

  /** The bound that a bucket has now. */
  #boundOf(sample: Sample, { labels }: Named): number {
    const { family, pushedBound } = sample;
    const le = labels.find(({ name }) => name === 'le')?.value;
    if (le === undefined) throw torn(sample, 'loses its label le');
    const parsed = parseFloat64(le);
    if (parsed === undefined || Number.isNaN(parsed))
      throw torn(sample, `has the label le=${JSON.stringify(shorten(le))}, which is not a number`);
    const bound = parsed === 0 ? 0 : parsed;
    if (pushedBound === Number.POSITIVE_INFINITY && bound !== pushedBound)
      throw torn(sample, `has le="${formatFloat64(bound)}" now; leave le="+Inf" as it is`);
    const before = family.bounds.get(pushedBound);
    if (before === undefined) {
      family.bounds.set(pushedBound, bound);
      if (bound !== pushedBound) this.#push.changesBounds = true;
    } else if (before !== bound) {
      throw torn(
        sample,
        `has le="${formatFloat64(bound)}" now, and others of that bound have le="${formatFloat64(before)}"`,
      );
    }
    return bound;
  }

  /** The labels that are left of a series by the rules of its metric. */
  #left(series: Named, { labels }: Named): readonly Label[] {
    const rule = labelsRule(series, this.#rules);
    const left = labelsLeft(series.labels, rule, this.#rules);
    if (rule !== undefined && left.length < labels.length) {
      const { without, by } = rule;
      this.#metricStep(rule, by === undefined ? `without ${without?.join(', ')}` : `by ${by.join(', ')}`);
    }
    return left;
  }

  #typeByRule(series: Named): MetricType | undefined {
    const rule = typeRule(series, this.#rules);
    if (rule !== undefined) this.#metricStep(rule, `type ${rule.type}`);
    return rule?.type;
  }

  #compositeAt(series: Named, family: RewrittenFamily, isHistogram: boolean): number {
    const push = this.#push;
    const text = this.#scratch.write(seriesText(`${series.name}_count`, series.labels));
    const before = push.composites.size;
    const composite = push.compositeAt(text, family);
    if (isHistogram && (push.composites.size > before || this.#trace !== undefined)) {
      const rule = bucketsRule(series, this.#rules);
      if (rule !== undefined) {
        push.bucketsOf.set(composite, rule.buckets!);
        this.#metricStep(rule, `buckets ${rule.buckets!.join(', ')}`);
      }
    }
    return composite;
  }

  #groupOf({ family, labels }: Sample): number {
    const text = seriesText(
      `${family.name}_count`,
      labels.filter(({ name }) => name !== 'le' && name !== 'quantile'),
    );
    return this.#push.groupAt(this.#scratch.write(fitting(text)));
  }

  /** All parts of a series as pushed must be of one series. */
  #keepWhole(sample: Sample, becomes: string, group: number, composite: number): void {
    const { compositeOf, groupCount } = this.#push;
    const before = compositeOf[group]!;
    if (before === composite) return;
    if (before === NONE) {
      compositeOf[group] = composite;
      groupCount[composite]! += 1;
      return;
    }
    throw torn(sample, `becomes ${shorten(becomes)}, with other labels than the samples beside it`);
  }

  #join(name: string, from: PushedFamily, offset: number): RewrittenFamily {
    const family = this.#push.family(name, from);
    if (from.type === undefined || from.type === family.type) return family;
    if (family.type !== undefined) throw typesMeet(family, from, offset);
    family.type = from.type;
    family.typedBy = from;
    return family;
  }

  #checkNames({ text, offset }: Sample, { name, labels }: Named): void {
    const rules = this.#rules;
    const last = (): string => nameOfRelabelRule(rules.rules, rules.relabel.at(-1)!);
    if (name === '') throw unnamed(text, last(), offset);
    if (labels.some((label) => label.name === '')) throw namelessLabel(text, last(), offset);
  }

  /** Throws a PushProblem when the same series stood in the push before. */
  #checkOnce({ text, offset }: Sample): void {
    const { view, start, end, hash } = this.#scratch.write(fitting(text));
    if (this.#pushed.find(view, start, end, hash) >= 0) throw duplicateSeries(text, offset);
    this.#pushed.insert(view, start, end, hash);
  }

  #noteCut(sample: Sample, rule: RelabelRule): void {
    const { role, pushedBound } = sample;
    if (role === '') return;
    const { cutBy } = this.#push;
    const group = this.#groupOf(sample);
    // Without these two nobody can say how many observations there are.
    const counts = role === '_count' || pushedBound === Number.POSITIVE_INFINITY;
    if (counts || !cutBy.has(group)) cutBy.set(group, rule);
  }
}

/** The canonical text of a sample as pushed, and its bound; throws nothing, as it may yet be dropped. */
function textOf(
  name: string,
  labels: readonly Label[],
  role: Role,
): { readonly text: string; readonly pushedBound: number } {
  const le = role === '_bucket' ? labels.find((label) => label.name === 'le') : undefined;
  const bound = le === undefined ? undefined : parseFloat64(le.value);
  if (bound === undefined || Number.isNaN(bound))
    return { text: seriesText(name, labels), pushedBound: Number.NaN };
  const others = labels.filter((label) => label.name !== 'le');
  return { text: seriesText(name, others, formatFloat64(bound)), pushedBound: bound === 0 ? 0 : bound };
}

function fitting(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : createHash('sha256').update(text).digest('hex');
}
