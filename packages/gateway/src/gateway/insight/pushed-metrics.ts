/**
 * All metrics as Pushgateway's API has them (https://github.com/prometheus/pushgateway#query-api): by grouping key, each with what it pushed last. What
 * senders add has no group of its own, so that it is the group without labels.
 */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { hasBuckets, isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView, ReadView, SeriesView } from '../../model/read-view.ts';
import { parseSeriesText } from '../../model/series-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { isStart } from '../../sources/source-starts.ts';
import { labelsOfKey } from '../../sources/source-list.ts';
import type { State } from '../../state/state.ts';
import { policyOf } from '../../store/policies.ts';
import type { InsightAnswer } from '../insight-api.ts';
import { JsonParts } from '../listings/json-parts.ts';
import { cutByBytes } from '../listings/list.ts';
import { labelsAsObject } from './family-page.ts';
import type { PushNotes } from './push-notes.ts';

const BYTES_MAX = 8 * 1024 * 1024;
/** What one metric takes at the most, with the labels of its group. */
const METRIC_BYTES_MAX = 512 * 1024;
/** Of a family, beside its head and name. */
const FAMILY_BYTES = 16;
/** Numbers that are written, or looked at, in one step. */
const STEP_NUMBERS = 64;
const STEP_SOURCES = 256;

interface Known {
  readonly state: State;
  readonly notes: PushNotes;
  readonly wallOffsetMs: number;
}

/** A group as JSON; families by their name as it is written. */
class Group {
  readonly #families = new Map<string, { readonly head: string; readonly metrics: string[] }>();
  #bytes = 0;

  /** Whether it is as large as an answer may be. */
  get isTooLarge(): boolean {
    return this.#bytes > BYTES_MAX;
  }

  /** The same, with space for what else is said of it. */
  get isFull(): boolean {
    return this.#bytes > BYTES_MAX - METRIC_BYTES_MAX;
  }

  add(
    {
      name,
      type,
      help,
    }: { readonly name: string; readonly type: MetricType; readonly help: string | undefined },
    time: string,
    metric: object,
  ): void {
    // Beside these two a name would stand twice.
    if (name === 'labels' || name === 'last_push_successful') return;
    let family = this.#families.get(name);
    if (family === undefined) {
      const head = JSON.stringify({ time_stamp: time, type: typeNames[type], help });
      family = { head: head.slice(0, -1), metrics: [] };
      this.#bytes += Buffer.byteLength(head) + Buffer.byteLength(JSON.stringify(name)) + FAMILY_BYTES;
      this.#families.set(name, family);
    }
    const text = JSON.stringify(metric);
    this.#bytes += Buffer.byteLength(text) + 1;
    family.metrics.push(text);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** In pieces, each of which is short. */
  *json(labels: object, isSuccessful: boolean): Generator<string, void> {
    yield JSON.stringify({ labels, last_push_successful: isSuccessful }).slice(0, -1);
    for (const [name, { head, metrics }] of this.#families) {
      yield `,${JSON.stringify(name)}:${head},"metrics":[`;
      for (let from = 0; from < metrics.length; from += STEP_NUMBERS)
        yield `${from === 0 ? '' : ','}${metrics.slice(from, from + STEP_NUMBERS).join(',')}`;
      yield ']}';
    }
    yield '}';
  }
}

/** As protobuf has them. */
const typeNames: Readonly<Record<MetricType, string>> = {
  counter: 'COUNTER',
  gauge: 'GAUGE',
  info: 'GAUGE',
  stateset: 'GAUGE',
  untyped: 'UNTYPED',
  summary: 'SUMMARY',
  histogram: 'HISTOGRAM',
  gaugehistogram: 'GAUGE_HISTOGRAM',
};

class Groups {
  /** With space for labels of groups, which are short. */
  readonly #json = new JsonParts(BYTES_MAX * 2);
  readonly #warnings: string[] = [];
  #count = 0;
  #bytes = 0;

  constructor() {
    this.#json.add('[');
  }

  /** False where it would be too much. */
  *add(group: Group, labels: object, isSuccessful: boolean): Generator<void, boolean> {
    const bytes = this.#bytes + group.bytes + Buffer.byteLength(JSON.stringify(labels));
    if (bytes > BYTES_MAX) {
      this.#warnings.push(cutByBytes(BYTES_MAX));
      return false;
    }
    this.#bytes = bytes;
    if (this.#count > 0) this.#json.add(',');
    for (const piece of group.json(labels, isSuccessful)) {
      this.#json.add(piece);
      yield;
    }
    this.#count += 1;
    return true;
  }

  warn(warning: string): void {
    this.#warnings.push(warning);
  }

  end(): InsightAnswer {
    return { data: this.#json.end(']'), warnings: this.#warnings };
  }
}

/** What sources have. */
export function* metricsOfSources(known: Known): Generator<void, InsightAnswer> {
  const { state, notes, wallOffsetMs } = known;
  const { list } = state.sources;
  const groups = new Groups();
  const { end } = list;
  for (let source = 0; source < end; source += 1) {
    if (source % STEP_SOURCES === STEP_SOURCES - 1) yield;
    if (!list.isKnown(source)) continue;
    const key = list.keyOf(source);
    const lastMs = list.lastPushMs(source);
    const time = new Date(lastMs + wallOffsetMs).toISOString();
    const group = new Group();
    yield* addSource(state, source, { group, time });
    const { refusedMs = 0 } = notes.path(key) ?? {};
    if (!(yield* groups.add(group, labelsAsObject(labelsOfKey(key) ?? []), refusedMs <= lastMs))) break;
    yield;
  }
  if (state.aggregation.mixed === true || !state.aggregation.byJob)
    groups.warn('what senders add is left out, as it belongs to no group');
  return groups.end();
}

function* addSource(
  { sources, accumulators, families }: State,
  source: number,
  { group, time }: { readonly group: Group; readonly time: string },
): Generator<void, void> {
  const { contributions } = sources;
  contributions.open(source);
  const { length, accumulatorsAt, valuesAt } = contributions;
  // Copied, as others have their turn.
  const own = contributions.accumulators.slice(accumulatorsAt, accumulatorsAt + length);
  const values = contributions.values.slice(valuesAt, valuesAt + length);
  const byComposite = new Map<number, Map<number, number>>();
  for (let i = 0; i < length && !group.isTooLarge; i += 1) {
    if (i % STEP_NUMBERS === STEP_NUMBERS - 1) yield;
    const accumulator = own[i]!;
    if (isStart(accumulator)) continue;
    const family = families.byId[accumulators.family[accumulator]!];
    if (family === undefined) continue;
    const composite = accumulators.composite[accumulator]!;
    if (composite >= 0) {
      const parts = byComposite.get(composite) ?? new Map<number, number>();
      byComposite.set(composite, parts.set(accumulator, values[i]!));
    } else {
      const { labels } = parseSeriesText(accumulators.textOf(accumulator));
      group.add(family, time, { labels: labelsAsObject(labels), value: formatFloat64(values[i]!) });
    }
  }
  for (const [composite, parts] of byComposite) {
    const { count = -1, buckets = [], sum = -1 } = accumulators.composites[composite] ?? {};
    const family = count < 0 ? undefined : families.byId[accumulators.family[count]!];
    if (family === undefined || policyOf(accumulators.kindOf(count)).part === undefined) continue;
    const bounds: [string, string][] = [];
    let cumulative = 0;
    for (const bucket of buckets) {
      const observations = parts.get(bucket);
      if (observations === undefined) continue;
      cumulative += observations;
      bounds.push([formatBound(accumulators.bound[bucket]!), formatFloat64(cumulative)]);
    }
    group.add(family, time, {
      labels: labelsAsObject(parseSeriesText(accumulators.textOf(count)).labels),
      ...distribution(family.type, bounds),
      count: formatFloat64(bounds.length > 0 ? cumulative : (parts.get(count) ?? 0)),
      sum: formatFloat64(parts.get(sum) ?? 0),
    });
    if (group.isTooLarge) return;
    yield;
  }
}

function distribution(type: MetricType, bounds: readonly (readonly [string, string])[]): object {
  return hasBuckets(type) ? { buckets: Object.fromEntries(bounds) } : { quantiles: {} };
}

/** The aggregate, as one group. */
export function* metricsOfAll(view: ReadView, time: string): Generator<void, InsightAnswer> {
  const groups = new Groups();
  const group = new Group();
  const all = yield* view.families();
  for (const family of all) {
    yield;
    for (const _ of family.sort()) yield;
    if (group.isFull) break;
    for (let row = 0; row < family.rowCount && !group.isFull; row += 1) {
      family.visit(row, row + 1, (series) => group.add(family, time, metricOf(family, series)));
      if (row % STEP_NUMBERS === STEP_NUMBERS - 1) yield;
    }
  }
  if (group.isFull) groups.warn(cutByBytes(BYTES_MAX));
  yield* groups.add(group, {}, true);
  return groups.end();
}

function metricOf({ type }: FamilyView, series: SeriesView): object {
  const { bytes, labelsStart, labelsEnd, value, sum, bucketCount, bounds, cumulative } = series;
  const written = Buffer.from(bytes.buffer, bytes.byteOffset + labelsStart, labelsEnd - labelsStart);
  const labels = labelsAsObject(parseSeriesText(`{${written.toString('utf8')}}`).labels);
  if (!isDistribution(type)) return { labels, value: formatFloat64(value) };
  const pairs = Array.from({ length: bucketCount }, (_, i): [string, string] => [
    formatBound(bounds[i]!),
    formatFloat64(cumulative[i]!),
  ]);
  const count = formatFloat64(value);
  return { labels, ...distribution(type, pairs), count, sum: formatFloat64(Number.isNaN(sum) ? 0 : sum) };
}
