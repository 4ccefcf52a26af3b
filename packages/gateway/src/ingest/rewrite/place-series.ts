/**
 * Finds the series that a sample becomes, and the histogram or summary series that it is part of. Here it is seen to that the rules leave
 * such series whole: all parts of a family must go on under one name, and all parts of one series with the same labels.
 */
import { createHash } from 'node:crypto';

import { foldedBound } from '../../histogram/folded-bound.ts';
import type { Label } from '../../model/labels.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { parseSeriesText, seriesText } from '../../model/series-text.ts';
import { formatFloat64, parseFloat64 } from '../../primitives/float.ts';
import { formatDuration } from '../../primitives/duration.ts';
import { PushProblem } from '../../model/errors.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import type { MetricRule, RelabelRule } from '../../rules/rules.ts';
import type { Limits } from '../../store/limits.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import { checkSeriesLimits, compositeLabels, duplicateSeries, kindOf, upperBound } from '../sample-kinds.ts';
import { namelessLabel, torn, typesMeet, unnamed } from './problems.ts';
import { partOf } from './pushed-families.ts';
import type { PushedFamilies, PushedFamily, Role } from './pushed-families.ts';
import type { Placement } from './placement-memo.ts';
import { nameOfMetricRule, nameOfRelabelRule, NOT_ALLOWED } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';
import { NONE } from './rewritten-push.ts';
import type { RewrittenFamily, RewrittenPush } from './rewritten-push.ts';
import {
  bucketsRule,
  gaugeRule,
  isAllowed,
  summaryRule,
  ttlRule,
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
  readonly family: Pick<PushedFamily, 'name' | 'type'>;
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
  #pushedText = '';

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
    if (!isAllowed({ ...sample, name: baseOfPushed(name, sample.role) }, this.#rules)) return undefined;
    const becomes = relabelled(sample, this.#rules);
    if ('action' in becomes || becomes.name === '') return undefined;
    const base = sample.role === '_count' ? becomes.name.replace(/_count$/, '') : becomes.name;
    return seriesText(becomes.name, this.#left({ ...becomes, name: base }, becomes));
  }

  /** What becomes of a series by the rules. Throws a PushProblem where it cannot be that. */
  placementOf(name: string, labels: readonly Label[], offset: number): Placement {
    const sample = this.#sampleOf(name, labels, offset);
    if (this.#trace !== undefined) this.#beginSteps(name, labels);
    if (!this.#isAllowed(sample)) return { ...this.#start(sample, ''), droppedBy: NOT_ALLOWED };
    const becomes = relabelled(sample, this.#rules, this.#trace && ((rule) => this.#step(rule)));
    if ('action' in becomes) return { ...this.#start(sample, ''), droppedBy: becomes };
    this.#checkNames(sample, becomes);
    return this.#placed(sample, becomes);
  }

  /** Throws a PushProblem where that is to be refused. */
  #isAllowed({ name, role, labels, text, offset }: Sample): boolean {
    const { allowed } = this.#rules;
    if (allowed === undefined || isAllowed({ name: baseOfPushed(name, role), labels }, this.#rules))
      return true;
    if (allowed.onRefused === 'drop') return false;
    throw new PushProblem(
      'forbidden',
      `${shorten(text)} may not be pushed with this token, but only what matches ${quote(allowed.metrics.text)}`,
      offset,
    );
  }

  /** Whether a placement that was found in a push before holds in this one. */
  isAsBefore(placement: Placement, offset: number): boolean {
    const { name, routed, droppedBy, becomes, base, role, type } = placement;
    const { family, role: now } = this.#families.route(name, offset);
    if (family.name !== routed.family || family.type !== routed.type || now !== routed.role) return false;
    if (family.type !== undefined || droppedBy !== undefined) return true;
    const part = partOf(becomes, this.#typeOf);
    return part === undefined ? role === '' : part.role === role && this.#typeOf(base) === type;
  }

  /** Makes one sample part of the push; undefined when a rule drops it. Throws a PushProblem where it does not go with others. */
  place(
    placement: Placement,
    { offset, isOnlyOne = false }: { readonly offset: number; readonly isOnlyOne?: boolean },
  ): Placed | undefined {
    const { name, routed, role, droppedBy, group, pushed } = placement;
    const routedTo = this.#families.route(name, offset).family;
    routedTo.isSampled = true;
    if (droppedBy !== undefined) {
      if (group !== undefined) this.#noteCut(placement, group, droppedBy);
      this.#trace?.({ pushed: this.#pushedText, steps: this.#steps, becomes: undefined });
      return undefined;
    }
    if (!isOnlyOne) this.#checkOnce(pushed, offset);
    const isUndeclared = role !== '' && routed.role === '' && routed.type === undefined;
    const from = isUndeclared ? this.#families.undeclared(baseOfPushed(name, role), offset) : routedTo;
    const placed = this.#place(placement, from, offset);
    this.#trace?.({ pushed: this.#pushedText, steps: this.#steps, becomes: this.#shown(placed) });
    return placed;
  }

  #place(placement: Placement, from: PushedFamily, offset: number): Placed {
    const { base, role, bound, pushedBound, composite: compositeText, group: groupText } = placement;
    const push = this.#push;
    if (compositeText === undefined || groupText === undefined) {
      const family = this.#join(base, from, offset);
      if (from.type === undefined) family.typeByRule ??= placement.typeByRule;
      const is = { family, role, bound };
      return {
        series: push.seriesAt(this.#scratch.write(placement.text), is, NONE),
        group: NONE,
        pushedBound,
      };
    }
    this.#keepName(placement, from, offset);
    if (role === '_bucket') this.#keepBound(placement, from, offset);
    const family = this.#join(base, from, offset);
    const composite = push.compositeAt(this.#scratch.write(compositeText), family);
    if (placement.buckets !== undefined) push.bucketsOf.set(composite, placement.buckets);
    const group = push.groupAt(this.#scratch.write(fitting(groupText)));
    this.#keepWhole(placement, { group, composite }, from, offset);
    const series = push.seriesAt(this.#scratch.write(placement.text), { family, role, bound }, composite);
    return { series, group, pushedBound };
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

  #beginSteps(name: string, pushed: readonly Label[]): void {
    this.#pushedText = seriesText(name, pushed);
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

  #placed(sample: Sample, becomes: Named): Placement {
    const { family, role, name, offset } = sample;
    if (role !== '') return this.#partPlaced(sample, becomes);
    if (family.type !== undefined) {
      // It has no such sample.
      if (hasBuckets(family.type)) kindOf({ family: { type: family.type }, role: 'own' }, name, offset);
      return this.#alonePlaced(sample, becomes);
    }
    const part = partOf(becomes.name, this.#typeOf);
    if (part === undefined) return this.#alonePlaced(sample, becomes);
    // Nobody has said that it is a part of what must not be pushed.
    if (!this.#isAllowed({ ...sample, role: part.role }))
      return { ...this.#start(sample, ''), droppedBy: NOT_ALLOWED };
    const text = textOf(name, sample.labels, part.role);
    const known = {
      ...sample,
      ...text,
      family: { name: baseOfPushed(name, part.role), type: undefined },
      role: part.role,
      type: this.#typeOf(part.base),
    };
    const routed = { family: family.name, type: undefined, role };
    return { ...this.#partPlaced(known, becomes), routed };
  }

  /** What is said of a series before it is known what it becomes. */
  #start(sample: Sample, becomes: string): Placement {
    const { name, labels, family, role, type, text, pushedBound } = sample;
    const rest = labels.filter((label) => label.name !== 'le' && label.name !== 'quantile');
    return {
      name,
      routed: { family: family.name, type, role },
      droppedBy: undefined,
      becomes,
      base: becomes,
      role,
      type,
      typeByRule: undefined,
      pushed: text,
      text: '',
      group: role === '' ? undefined : seriesText(`${family.name}_count`, rest),
      composite: undefined,
      pushedBound,
      bound: Number.NaN,
      buckets: undefined,
    };
  }

  #alonePlaced(sample: Sample, becomes: Named): Placement {
    const { name } = becomes;
    const labels = this.#left(becomes, becomes);
    const text = seriesText(name, labels);
    checkSeriesLimits(this.#limits, labels.length, text, sample.offset);
    const typeByRule = sample.type === undefined ? this.#typeByRule({ name, labels }) : undefined;
    if (this.#trace !== undefined && (sample.type ?? typeByRule) === 'gauge') {
      const rule = gaugeRule({ name, labels }, this.#rules);
      const window = rule?.windowMs === undefined ? '' : ` window ${formatDuration(rule.windowMs)}`;
      if (rule !== undefined) this.#metricStep(rule, `gauge ${rule.gauge}${window}`);
    }
    this.#traceTtl({ name, labels });
    return { ...this.#start(sample, name), text, typeByRule };
  }

  #traceTtl(series: Named): void {
    const rule = this.#trace === undefined ? undefined : ttlRule(series, this.#rules);
    if (rule !== undefined) this.#metricStep(rule, `ttl ${formatDuration(rule.ttlMs!)}`);
  }

  #traceSummary(series: Named): void {
    const rule = this.#trace === undefined ? undefined : summaryRule(series, this.#rules);
    if (rule !== undefined) this.#metricStep(rule, `summary ${rule.summary}`);
  }

  #partPlaced(sample: Sample, becomes: Named): Placement {
    const { role, offset } = sample;
    const type = sample.type!;
    this.#checkPart(sample, type);
    const base = this.#baseOf(sample, becomes);
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
    const le = role === '_bucket' ? formatFloat64(bound) : undefined;
    const text = seriesText(becomes.name, [...shared, ...quantile], le);
    checkSeriesLimits(this.#limits, shared.length + (hasReserved ? 1 : 0), text, offset);
    const buckets = hasBuckets(type) ? this.#bucketsOf({ name: base, labels: shared }) : undefined;
    this.#traceTtl({ name: base, labels: shared });
    if (type === 'summary') this.#traceSummary({ name: base, labels: shared });
    return {
      ...this.#start(sample, becomes.name),
      base,
      text,
      composite: seriesText(`${base}_count`, shared),
      bound,
      buckets,
    };
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

  #keepName(placement: Placement, family: PushedFamily, offset: number): void {
    const { base, pushed } = placement;
    family.becomes ??= { name: base, series: pushed };
    const { name, series } = family.becomes;
    if (name === base) return;
    throw torn(
      { ...placement, family, text: pushed, offset },
      `becomes ${shorten(placement.becomes)}, but ${shorten(series)} is of ${shorten(name)}; rename all of its samples alike`,
    );
  }

  /** All buckets of a family with one bound must have one bound. */
  #keepBound(placement: Placement, family: PushedFamily, offset: number): void {
    const { bound, pushedBound, pushed } = placement;
    const before = family.bounds.get(pushedBound);
    if (before === undefined) {
      family.bounds.set(pushedBound, bound);
      if (bound !== pushedBound) this.#push.changesBounds = true;
    } else if (before !== bound) {
      throw torn(
        { ...placement, family, text: pushed, offset },
        `has le="${formatFloat64(bound)}" now, and others of that bound have le="${formatFloat64(before)}"`,
      );
    }
  }

  /** The bound that a bucket has now. */
  #boundOf(sample: Sample, { labels }: Named): number {
    const { pushedBound } = sample;
    const le = labels.find(({ name }) => name === 'le')?.value;
    if (le === undefined) throw torn(sample, 'loses its label le');
    const parsed = parseFloat64(le);
    if (parsed === undefined || Number.isNaN(parsed))
      throw torn(sample, `has the label le=${JSON.stringify(shorten(le))}, which is not a number`);
    const bound = parsed === 0 ? 0 : parsed;
    if (pushedBound === Number.POSITIVE_INFINITY && bound !== pushedBound)
      throw torn(sample, `has le="${formatFloat64(bound)}" now; leave le="+Inf" as it is`);
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

  #bucketsOf(series: Named): readonly number[] | undefined {
    const rule = bucketsRule(series, this.#rules);
    if (rule !== undefined) this.#metricStep(rule, `buckets ${rule.buckets!.join(', ')}`);
    return rule?.buckets;
  }

  /** All parts of a series as pushed must be of one series. */
  #keepWhole(
    placement: Placement,
    { group, composite }: { readonly group: number; readonly composite: number },
    family: PushedFamily,
    offset: number,
  ): void {
    const { compositeOf, groupCount } = this.#push;
    const before = compositeOf[group]!;
    if (before === composite) return;
    if (before === NONE) {
      compositeOf[group] = composite;
      groupCount[composite]! += 1;
      return;
    }
    throw torn(
      { ...placement, family, text: placement.pushed, offset },
      `becomes ${shorten(placement.text)}, with other labels than the samples beside it`,
    );
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
  #checkOnce(text: string, offset: number): void {
    const { view, start, end, hash } = this.#scratch.write(fitting(text));
    if (this.#pushed.find(view, start, end, hash) >= 0) throw duplicateSeries(text, offset);
    this.#pushed.insert(view, start, end, hash);
  }

  #noteCut({ routed, pushedBound }: Placement, groupText: string, rule: RelabelRule): void {
    const { cutBy } = this.#push;
    const group = this.#push.groupAt(this.#scratch.write(fitting(groupText)));
    // Without these two nobody can say how many observations there are.
    const counts = routed.role === '_count' || pushedBound === Number.POSITIVE_INFINITY;
    if (counts || !cutBy.has(group)) cutBy.set(group, rule);
  }
}

/** The family that a name is of, if its sample is such a part. */
function baseOfPushed(name: string, role: Role): string {
  return role === 'quantile' || !name.endsWith(role) ? name : name.slice(0, name.length - role.length);
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
