/** Pages of families that are written down, with all that a state may know of them. */
import { defaultExpositionOptions } from '../../src/exposition/family-writer.ts';
import type { ExpositionOptions } from '../../src/exposition/family-writer.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { encodeExposition } from '../../src/exposition/page.ts';
import type { LeftOut } from '../../src/exposition/escaping/escaped-family.ts';
import type { Exemplar } from '../../src/model/exemplar.ts';
import { isLegacyLabelName, isLegacyMetricName } from '../../src/model/labels.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import type { FamilyView, NativeView, ReadView, SeriesView } from '../../src/model/read-view.ts';
import { parseSeriesText, seriesText } from '../../src/model/series-text.ts';

export interface MadeRow {
  /** As in canonical text, `a="b",c="d"`. */
  readonly labels?: string;
  readonly value: number;
  readonly sum?: number;
  readonly startMs?: number;
  readonly isNew?: boolean;
  /** Bounds and cumulative counts, `+Inf` included. */
  readonly buckets?: readonly (readonly [bound: number, cumulative: number])[];
  /** By bucket; -1 is a counter's. */
  readonly exemplars?: Readonly<Record<number, Exemplar>>;
  readonly native?: NativeView;
}

export interface MadeFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help?: string;
  readonly unit?: string;
  readonly startTimes?: boolean;
  /** Of a family that goes by its name from page to page, which makes its text one that may be kept. */
  readonly version?: number;
  readonly rows: readonly MadeRow[];
}

export interface MadeExpositionSettings {
  readonly format?: Partial<ExpositionFormat>;
  readonly options?: Partial<ExpositionOptions>;
  readonly kept?: ScrapeCache;
  readonly nativeBucketsMax?: number;
  readonly onLeftOut?: (series: number) => void;
}

export async function madeExposition(
  families: readonly MadeFamily[],
  settings?: MadeExpositionSettings,
): Promise<string> {
  return (await madeExpositionBytes(families, settings)).toString('utf8');
}

export async function madeExpositionBytes(
  families: readonly MadeFamily[],
  {
    format = {},
    options = {},
    kept = new ScrapeCache(0),
    onLeftOut = () => {},
    nativeBucketsMax,
  }: MadeExpositionSettings = {},
): Promise<Buffer> {
  const slices: Uint8Array[] = [];
  const settings = {
    kept,
    options: { ...defaultExpositionOptions, ...options },
    onLeftOut: ({ series }: LeftOut) => onLeftOut(series),
  };
  for await (const slice of encodeExposition(
    madeView(families.map(madeFamily), nativeBucketsMax),
    { ...plainText, ...format },
    settings,
  ))
    slices.push(slice);
  return Buffer.concat(slices);
}

export function madeView(families: readonly FamilyView[], nativeBucketsMax = 160): ReadView {
  return {
    nativeBucketsMax,
    nativeAsClassic: false,
    // oxlint-disable-next-line require-yield -- there is nothing to sort
    *families() {
      return families;
    },
    close(): void {},
  };
}

export function madeFamily({ name, type, rows, ...more }: MadeFamily): FamilyView {
  const labelNames = rows.flatMap(({ labels = '' }) => parseSeriesText(`{${labels}}`).labels);
  return {
    name,
    type,
    help: more.help,
    unit: more.unit,
    quotedNames: !isLegacyMetricName(name) || labelNames.some((label) => !isLegacyLabelName(label.name)),
    hasNative: rows.some((row) => row.native !== undefined),
    startTimes: more.startTimes ?? false,
    once: false,
    identity: more.version === undefined ? {} : identityOf(name),
    version: more.version ?? 0,
    rowCount: rows.length,
    sort: () => [],
    visit(from, to, visitor) {
      for (const row of rows.slice(from, to)) visitor(madeSeries(row));
    },
  };
}

const identities = new Map<string, object>();

function identityOf(name: string): object {
  const identity = identities.get(name) ?? {};
  identities.set(name, identity);
  return identity;
}

export function madeSeries(row: MadeRow): SeriesView {
  // As in a state, there is more in the bytes than the labels.
  const labels = Buffer.from(`{${row.labels ?? ''}}`);
  const { buckets = [], exemplars = {} } = row;
  return {
    bytes: labels,
    labelsStart: 1,
    labelsEnd: labels.length - 1,
    value: row.value,
    sum: row.sum ?? Number.NaN,
    bucketCount: buckets.length,
    bounds: Float64Array.from([...buckets.map(([bound]) => bound), 7]),
    cumulative: Float64Array.from([...buckets.map(([, count]) => count), 7]),
    startMs: row.startMs ?? Number.NaN,
    isNew: row.isNew ?? false,
    exemplar: (bucket) => exemplars[bucket],
    native: () => row.native,
  };
}

/**
 * The lines of a page in an order that does not depend on how names are escaped, without what is about sums of histograms, which may be a
 * family without any.
 */
export function linesOf(page: string): readonly string[] {
  const lines = page.split('\n').filter((line) => line !== '' && !/^# \w+ \S+_sum"? /.test(line));
  const ordered = lines.map((line) => {
    if (line.startsWith('#')) return line;
    const blank = line.lastIndexOf(' ');
    const { name, labels: own } = parseSeriesText(line.slice(0, blank));
    return `${seriesText(name, own)}${line.slice(blank)}`;
  });
  return ordered.toSorted();
}
