/**
 * Counts the series of a view by their names and labels, as Prometheus would after it scraped them: the buckets of a histogram, its sum and
 * its count are a series each. Start times that are shown as samples are none, as OpenMetrics has them with what they are of.
 */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { nativeAsClassic } from '../../exposition/native-as-classic.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import { isDistribution } from '../../model/metric-type.ts';
import type { FamilyView, ReadView, SeriesView, SeriesVisitor } from '../../model/read-view.ts';
import { Top } from '../../primitives/top.ts';
import type { SeriesStatistics, Statistic } from '../api.ts';
import { labelBytes, LabelPairs } from './label-pairs.ts';
import type { PairBounds } from './label-pairs.ts';
import { isEmptyLabel, readLabel } from './label-place.ts';
import type { PairPlace } from './label-place.ts';

/** Of each list there is. */
export const STATISTICS_MAX = 10_000;
/** Rows of one step, and work: well under a millisecond. */
const STEP_ROWS = 32;
const STEP_WORK = 64;
/** So many bytes of labels, or buckets, are as much work as a row. */
const ROW_BYTES = 256;
const ROW_BUCKETS = 16;
/** Names, labels and pairs looked at in one step, and those that are made a text of. */
const STEP_COUNTS = 2048;
const STEP_TEXTS = 16;
/** Bounds of buckets that are counted together; past it they are noted one by one. */
const BOUNDS_MAX = 1024;
/** Names and pairs longer than this are cut. */
const TEXT_CHARS_MAX = 1024;

/** Of one family: what samples there are. */
interface Counted {
  sums: number;
  buckets: number;
  rows: number;
}

export class SeriesCounts {
  readonly #pairs: LabelPairs;
  readonly #names: string[] = [];
  readonly #seriesByName: number[] = [];
  #series = 0;
  #nameBytes = 0;
  /** Of the step at hand. */
  #work = 0;
  readonly #place: PairPlace = { start: 0, nameEnd: 0, end: 0 };
  /** Buckets of the family at hand, by their bounds. */
  readonly #buckets = new Map<number, number>();

  constructor(bounds: PairBounds) {
    this.#pairs = new LabelPairs(bounds);
  }

  /** Counts all there is; steps are short, however many series there are. */
  *count(view: ReadView): Generator<void, void> {
    const all = yield* view.families();
    yield;
    for (const family of view.nativeAsClassic ? nativeAsClassic(all) : all) {
      if (family.startTimes) continue;
      // Rows that came since the last exposition are among the others only then.
      for (const _ of family.sort()) yield;
      yield* this.#countFamily(family);
      yield;
    }
  }

  *#countFamily(family: FamilyView): Generator<void, void> {
    const { name, type, rowCount } = family;
    const counted: Counted = { sums: 0, buckets: 0, rows: 0 };
    const visitor = isDistribution(type) ? this.#distributions(counted) : this.#values(counted);
    let step = 1;
    for (let row = 0; row < rowCount;) {
      const to = Math.min(row + step, rowCount);
      this.#work = 0;
      family.visit(row, to, visitor);
      row = to;
      // As rows like these allow, which are like each other mostly.
      step = this.#work > STEP_WORK ? Math.max(step >> 1, 1) : Math.min(step * 2, STEP_ROWS);
      yield* this.#pairs.stayBounded();
      yield;
    }
    this.#flushBuckets();
    if (!isDistribution(type)) return this.#addName(name, counted.rows);
    this.#addName(`${name}_bucket`, counted.buckets);
    this.#addName(`${name}_sum`, counted.sums);
    this.#addName(`${name}_count`, counted.rows);
  }

  #values(counted: Counted): SeriesVisitor {
    return (series) => {
      counted.rows += 1;
      this.#addLabels(series, 1);
    };
  }

  #distributions(counted: Counted): SeriesVisitor {
    return (series) => {
      const { bucketCount, bounds } = series;
      const sums = Number.isNaN(series.sum) ? 0 : 1;
      counted.rows += 1;
      counted.sums += sums;
      counted.buckets += bucketCount;
      this.#work += bucketCount / ROW_BUCKETS;
      this.#addLabels(series, 1 + sums + bucketCount);
      for (let i = 0; i < bucketCount; i += 1) this.#addBucket(bounds[i]!);
    };
  }

  #addName(name: string, series: number): void {
    if (series === 0) return;
    this.#names.push(name);
    this.#seriesByName.push(series);
    this.#series += series;
    this.#nameBytes += series * labelBytes(NAME_LABEL.length, Buffer.byteLength(name));
  }

  #addLabels({ bytes, labelsStart, labelsEnd }: SeriesView, series: number): void {
    const place = this.#place;
    this.#work += 1 + (labelsEnd - labelsStart) / ROW_BYTES;
    for (let position = labelsStart; position < labelsEnd;) {
      position = readLabel(bytes, position, labelsEnd, place);
      if (!isEmptyLabel(place)) this.#pairs.add(bytes, place, series);
    }
  }

  #addBucket(bound: number): void {
    const buckets = this.#buckets;
    buckets.set(bound, (buckets.get(bound) ?? 0) + 1);
    if (buckets.size >= BOUNDS_MAX) this.#flushBuckets();
  }

  /** By the bounds as OpenMetrics writes them, and Prometheus 3 always. */
  #flushBuckets(): void {
    for (const [bound, series] of this.#buckets) {
      const pair = Buffer.from(`le="${formatBound(bound)}"`);
      this.#pairs.add(pair, { start: 0, nameEnd: 2, end: pair.length }, series);
    }
    this.#buckets.clear();
  }

  /** What was counted, once all of it was. */
  *statistics(): Generator<void, SeriesStatistics> {
    const pairs = this.#pairs;
    const names = this.#names;
    const labels = [
      { name: NAME_LABEL, values: names.length, bytes: this.#nameBytes },
      ...pairs.labels.map(({ name, bytes, values, distinct }) => ({
        name,
        values: distinct === undefined ? values : Math.max(values, distinct.estimate()),
        bytes,
      })),
    ];
    const nameOf = (place: number): string => names[place]!;
    const seriesOfName = (place: number): number => this.#seriesByName[place]!;
    const labelOf = (place: number): string => labels[place]!.name;
    const isName = (place: number): boolean => place < names.length;
    return {
      series: this.#series,
      labelPairs: labels.reduce((sum, { values }) => sum + values, 0),
      seriesByName: yield* largest(names.length, seriesOfName, nameOf),
      valuesByLabel: yield* largest(labels.length, (place) => labels[place]!.values, labelOf),
      bytesByLabel: yield* largest(labels.length, (place) => labels[place]!.bytes, labelOf),
      seriesByPair: yield* largest(
        names.length + pairs.high,
        (place) => (isName(place) ? seriesOfName(place) : pairs.seriesOf(place - names.length)),
        (place) =>
          isName(place)
            ? `${NAME_LABEL}=${nameOf(place)}`
            : pairs.textOf(place - names.length, TEXT_CHARS_MAX),
      ),
      warnings: this.#warnings(),
    };
  }

  #warnings(): readonly string[] {
    const { missedSeriesMax, hasMoreLabels, labels } = this.#pairs;
    const warnings: string[] = [];
    if (missedSeriesMax > 0)
      warnings.push(
        `too many label pairs to count each: numbers of values are estimates for labels with many values, and pairs may be missing, or counted too low, by up to ${missedSeriesMax} series`,
      );
    if (hasMoreLabels)
      warnings.push(`too many label names to count each: only ${labels.length} of them are counted`);
    return warnings;
  }
}

/** The largest of `count` values, of equal ones those that come first. */
function* largest(
  count: number,
  valueOf: (place: number) => number,
  nameOf: (place: number) => string,
): Generator<void, readonly Statistic[]> {
  const top = new Top(STATISTICS_MAX);
  for (let place = 0; place < count; place += 1) {
    const value = valueOf(place);
    if (value > 0) top.offer(place, value);
    if (place % STEP_COUNTS === STEP_COUNTS - 1) yield;
  }
  const found: Statistic[] = [];
  for (const place of yield* top.take()) {
    found.push({ name: cut(nameOf(place)), value: valueOf(place) });
    if (found.length % STEP_TEXTS === 0) yield;
  }
  return found;
}

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX - 1)}…`;
}
