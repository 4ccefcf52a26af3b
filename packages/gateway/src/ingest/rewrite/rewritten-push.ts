/**
 * A push as the rules have it, until all of it is there: columns, as a long push has millions of samples.
 *
 *   families ─▶ items: series, or composite series     in the order in which they come
 *   composite ─▶ series ─▶ series …                    by `next`
 *   series ─▶ sample ─▶ sample …                       those that became equal, by `nextSample`
 *   group                                              a histogram or summary series as it was pushed; samples name theirs
 */
import { newer } from '../../model/exemplar.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { RelabelRule } from '../../rules/rules.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import type { TextAt } from '../../store/accumulators.ts';
import type { PushedFamily, Role } from './pushed-families.ts';

export const NONE = -1;

export interface RewrittenFamily {
  readonly name: string;
  /** As the push declares it. */
  type: MetricType | undefined;
  /** The first family of the push that is part of it, and the one that declares the type. */
  readonly from: PushedFamily;
  typedBy: PushedFamily | undefined;
  /** For a push that declares none. */
  typeByRule: MetricType | undefined;
  help: string | undefined;
  unit: string | undefined;
  /** Series, and `~c` for composite series. */
  readonly items: number[];
}

export class RewrittenPush {
  readonly families: Map<string, RewrittenFamily> = new Map();

  /** Canonical texts, as are those of the tables below. */
  readonly series: ByteTable;
  readonly familyOf: RewrittenFamily[] = [];
  readonly roleOf: Role[] = [];
  /** Of a bucket. */
  readonly boundOf: number[] = [];
  readonly first: number[] = [];
  readonly last: number[] = [];
  readonly next: number[] = [];

  /** By the text of the count. */
  readonly composites: ByteTable;
  readonly firstSeries: number[] = [];
  readonly lastSeries: number[] = [];
  readonly groupCount: number[] = [];
  /** Sparse: bounds that a rule gives it. */
  readonly bucketsOf: Map<number, readonly number[]> = new Map();
  /** Sparse: those that are to have all of these bounds. */
  readonly hasAllBuckets: Set<number> = new Set();

  /** By the text of the count as pushed. */
  readonly groups: ByteTable;
  readonly compositeOf: number[] = [];
  /** Sparse: a rule that dropped some of it; that of its count or its last bucket before others. */
  readonly cutBy: Map<number, RelabelRule> = new Map();

  /** Some bound becomes another. */
  changesBounds = false;

  readonly values: number[] = [];
  readonly offsets: number[] = [];
  readonly nextSample: number[] = [];
  readonly groupOf: number[] = [];
  /** As pushed. */
  readonly pushedBounds: number[] = [];

  /** Sparse, by series: the newest. */
  readonly exemplars: Map<number, Exemplar> = new Map();
  /** By the sample of a count. */
  readonly natives: Map<number, NativeHistogram> = new Map();
  /** By composite. */
  readonly nativeExemplars: Map<number, Exemplar[]> = new Map();
  /** The earliest, in milliseconds, by series, and `~c` for composite series. */
  readonly starts: Map<number, number> = new Map();
  /** The same of series that were named apart from their samples. */
  readonly startsByText: Map<string, number> = new Map();

  constructor(hashSeed: number) {
    this.series = new ByteTable(hashSeed);
    this.composites = new ByteTable(hashSeed);
    this.groups = new ByteTable(hashSeed);
  }

  clear(): void {
    this.changesBounds = false;
    for (const each of [
      this.families,
      this.series,
      this.composites,
      this.groups,
      this.bucketsOf,
      this.hasAllBuckets,
      this.cutBy,
      this.exemplars,
      this.natives,
      this.nativeExemplars,
      this.starts,
      this.startsByText,
    ])
      each.clear();
    for (const column of [
      this.familyOf,
      this.roleOf,
      this.boundOf,
      this.first,
      this.last,
      this.next,
      this.firstSeries,
      this.lastSeries,
      this.groupCount,
      this.compositeOf,
      this.values,
      this.offsets,
      this.nextSample,
      this.groupOf,
      this.pushedBounds,
    ])
      column.length = 0;
  }

  family(name: string, from: PushedFamily): RewrittenFamily {
    let family = this.families.get(name);
    if (family === undefined) {
      family = {
        name,
        type: undefined,
        from,
        typedBy: undefined,
        typeByRule: undefined,
        help: undefined,
        unit: undefined,
        items: [],
      };
      this.families.set(name, family);
    }
    family.help ??= from.help;
    family.unit ??= from.unit;
    return family;
  }

  /** The series of this text, begun where there is none yet. */
  seriesAt(
    text: TextAt,
    is: { readonly family: RewrittenFamily; readonly role: Role; readonly bound: number },
    composite: number,
  ): number {
    const { view, start, end, hash } = text;
    const known = this.series.find(view, start, end, hash);
    if (known >= 0) return known;
    const series = this.series.insert(view, start, end, hash);
    this.familyOf.push(is.family);
    this.roleOf.push(is.role);
    this.boundOf.push(is.bound);
    this.first.push(NONE);
    this.last.push(NONE);
    this.next.push(NONE);
    if (composite === NONE) is.family.items.push(series);
    else this.#append(composite, series);
    return series;
  }

  /** The composite series of this text, begun where there is none yet. */
  compositeAt({ view, start, end, hash }: TextAt, family: RewrittenFamily): number {
    const known = this.composites.find(view, start, end, hash);
    if (known >= 0) return known;
    const composite = this.composites.insert(view, start, end, hash);
    this.firstSeries.push(NONE);
    this.lastSeries.push(NONE);
    this.groupCount.push(0);
    family.items.push(~composite);
    return composite;
  }

  groupAt({ view, start, end, hash }: TextAt): number {
    const known = this.groups.find(view, start, end, hash);
    if (known >= 0) return known;
    this.compositeOf.push(NONE);
    return this.groups.insert(view, start, end, hash);
  }

  addSample(
    series: number,
    sample: { readonly value: number; readonly offset: number },
    group: number,
    pushedBound: number,
  ): number {
    const index = this.values.length;
    this.values.push(sample.value);
    this.offsets.push(sample.offset);
    this.groupOf.push(group);
    this.pushedBounds.push(pushedBound);
    this.nextSample.push(NONE);
    const before = this.last[series]!;
    if (before === NONE) this.first[series] = index;
    else this.nextSample[before] = index;
    this.last[series] = index;
    return index;
  }

  /** Makes the samples of a series, and what is known of it, those of another; returns how many. */
  moveSamples(from: number, to: number): number {
    let moved = 0;
    for (const _ of this.samplesOf(from)) moved += 1;
    const first = this.first[from]!;
    const before = this.last[to]!;
    if (before === NONE) this.first[to] = first;
    else this.nextSample[before] = first;
    if (moved > 0) this.last[to] = this.last[from]!;
    this.first[from] = NONE;
    this.last[from] = NONE;
    const exemplar = this.exemplars.get(from);
    if (exemplar !== undefined) this.exemplars.set(to, newer(this.exemplars.get(to), exemplar));
    this.#moveStart(from, to);
    return moved;
  }

  /** The same of a composite series, once the samples of its series are another's. */
  moveComposite(from: number, to: number): void {
    this.firstSeries[from] = NONE;
    this.lastSeries[from] = NONE;
    this.groupCount[to]! += this.groupCount[from]!;
    this.groupCount[from] = 0;
    this.bucketsOf.delete(from);
    const exemplars = this.nativeExemplars.get(from);
    if (exemplars !== undefined) {
      this.nativeExemplars.delete(from);
      this.nativeExemplars.set(to, [...(this.nativeExemplars.get(to) ?? []), ...exemplars]);
    }
    this.#moveStart(~from, ~to);
  }

  /** The same of a start time that was named apart, by the text of the series. */
  moveStartOf(text: string, to: number): void {
    const startMs = this.startsByText.get(text);
    if (startMs === undefined) return;
    this.startsByText.delete(text);
    this.starts.set(to, Math.min(this.starts.get(to) ?? startMs, startMs));
  }

  #moveStart(from: number, to: number): void {
    const startMs = this.starts.get(from);
    if (startMs === undefined) return;
    this.starts.delete(from);
    this.starts.set(to, Math.min(this.starts.get(to) ?? startMs, startMs));
  }

  /** The samples that became this series, in their order. */
  *samplesOf(series: number): Generator<number, void> {
    for (let sample = this.first[series]!; sample !== NONE; sample = this.nextSample[sample]!) yield sample;
  }

  *seriesOf(composite: number): Generator<number, void> {
    for (let series = this.firstSeries[composite]!; series !== NONE; series = this.next[series]!)
      yield series;
  }

  #append(composite: number, series: number): void {
    const before = this.lastSeries[composite]!;
    if (before === NONE) this.firstSeries[composite] = series;
    else this.next[before] = series;
    this.lastSeries[composite] = series;
  }
}
