/**
 * Counters, histograms and gauges, as prom-client has them, and what they have come to since the last batch. Only increments are kept: once they
 * are in a batch, the next one begins from nothing, and the gateway adds them up.
 */

/** What labels a metric takes; those that are left out, and empty ones, are not there. */
export type Labels<Name extends string> = [Name] extends [never]
  ? Record<string, never>
  : { readonly [Key in Name]?: string | number | boolean | undefined };

export interface MetricOptions<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Name[];
}

export interface HistogramOptions<Name extends string> extends MetricOptions<Name> {
  /** Upper bounds; those of prom-client by default. */
  readonly buckets?: readonly number[];
}

/** A number that only grows. */
export interface Counter<Name extends string> {
  /** Adds 1, or the value, which must not be negative. */
  inc(value?: number): void;
  inc(labels: Labels<Name>, value?: number): void;
}

export interface Histogram<Name extends string> {
  observe(value: number): void;
  observe(labels: Labels<Name>, value: number): void;
  /** Begins to measure; the function that it returns observes the seconds since, and returns them. */
  startTimer(labels?: Labels<Name>): (labels?: Labels<Name>) => number;
}

/**
 * The last value that was set. Where many pages push, the gateway adds gauges up unless a rule says what they are to show, so use one only with a rule,
 * such as `gauge: max`.
 */
export interface Gauge<Name extends string> {
  set(value: number): void;
  set(labels: Labels<Name>, value: number): void;
}

/** Part of a push: whole series, which are in no other part. */
export interface Piece {
  readonly text: string;
  /** How often something was counted, observed or set. */
  readonly updates: number;
}

export interface Registry {
  counter<const Name extends string = never>(options: MetricOptions<Name>): Counter<Name>;
  histogram<const Name extends string = never>(options: HistogramOptions<Name>): Histogram<Name>;
  gauge<const Name extends string = never>(options: MetricOptions<Name>): Gauge<Name>;
  /** Series with something new. */
  size(): number;
  /** All that is new, in pieces that fit into a request. Then nothing is, unless it is only looked at. */
  cut(onlyLooks?: boolean): readonly Piece[];
}

type Kind = 'counter' | 'gauge' | 'histogram';

interface Series {
  updates: number;
  /** Of a histogram: the sum, then how many fell into each bucket, the last of which has no bound. */
  readonly values: number[];
}

interface Family {
  readonly kind: Kind;
  readonly bounds: readonly number[];
  readonly head: string;
  /** By their labels as text. */
  readonly series: Map<string, Series>;
}

type Update = (values: number[], value: number, bounds: readonly number[]) => void;
type Given = object | number | null | undefined;

/** See REQUESTS_MAX. */
const BATCH_BYTES_MAX = 16_000;

const METRIC_NAME = /^[a-z_:][\w:]*$/i;
const LABEL_NAME = /^(?!__|le$)[a-z_]\w*$/i;
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Half a surrogate pair becomes what it would be sent as, so that texts that are sent alike are alike here as well. */
const escape = (text: unknown, what: RegExp): string =>
  String(text)
    .replace(/\p{Cs}/gu, '\uFFFD')
    .replace(what, (char) => (char === '\n' ? '\\n' : `\\${char}`));

function textOf(name: string, labels: string, { kind, bounds }: Family, { values }: Series): string {
  const line = (suffix: string, more: string, value: number): string => {
    const all = [labels, more].filter(Boolean).join();
    return `${name}${suffix}${all && `{${all}}`} ${value}\n`;
  };
  const [first = 0, ...counts] = values;
  let count = 0;
  if (kind !== 'histogram') return line('', '', first);
  const buckets = counts.map((each, at) => line('_bucket', `le="${bounds[at] ?? '+Inf'}"`, (count += each)));
  return buckets.join('') + line('_sum', '', first) + line('_count', '', count);
}

/** `ofAll` are labels of every series; `onUpdate` is called after each update, and `onInvalid` where something is not counted. */
export function createRegistry(
  ofAll: Labels<string>,
  onUpdate: () => void,
  onInvalid: (updates: number, problem: string) => void,
): Registry {
  const families = new Map<string, Family>();
  let size = 0;

  /** What adds to a metric; it throws nothing, whatever it is given. */
  function register(
    kind: Kind,
    { name, help, labelNames = [], buckets = [] }: HistogramOptions<string>,
    update: Update,
  ): (first: Given, second?: number) => void {
    const names = [...new Set([...Object.keys(ofAll), ...labelNames])];
    const bounds = [...new Set(buckets)].sort((a, b) => a - b);
    const head = `# HELP ${name} ${escape(help, /[\\\n]/g).trimEnd()}\n# TYPE ${name} ${kind}\n`;
    const family: Family = families.get(name) ?? { kind, bounds, head, series: new Map() };
    const isValid =
      METRIC_NAME.test(name) &&
      names.every((each) => LABEL_NAME.test(each)) &&
      bounds.every(Number.isFinite) &&
      // It may be asked for again.
      family.kind === kind &&
      String(family.bounds) === String(bounds);
    if (isValid) families.set(name, family);

    return (first, second) => {
      try {
        if (!isValid) throw 'invalid name, label or bucket, or another type';
        const hasLabels = typeof first === 'object';
        const labels: Labels<string> = { ...ofAll, ...(hasLabels ? first : undefined) };
        const value = hasLabels ? second : (first ?? second);
        if (!Object.keys(labels).every((each) => names.includes(each))) throw 'unknown label';
        const text = names
          .map((each) => {
            const label = escape(labels[each] ?? '', /[\\\n"]/g);
            return label && `${each}="${label}"`;
          })
          .filter(Boolean)
          .join();
        let series = family.series.get(text);
        // No sum may become infinite, either.
        if (!Number.isFinite(value! + (series?.values[0] ?? 0)) || (kind === 'counter' && value! < 0))
          throw `invalid value ${value}`;
        if (!series) {
          series = { updates: 0, values: [0, 0, ...bounds.map(() => 0)] };
          family.series.set(text, series);
          size += 1;
        }
        update(series.values, value!, bounds);
        series.updates += 1;
        onUpdate();
      } catch (error) {
        onInvalid(1, `${name}: ${String(error)}`);
      }
    };
  }

  return {
    counter(options) {
      const add = register('counter', options, (values, value) => (values[0]! += value));
      return { inc: (first?: Given, second?: number) => add(first ?? second ?? 1, second ?? 1) };
    },
    gauge: (options) => ({ set: register('gauge', options, (values, value) => (values[0] = value)) }),
    histogram(options) {
      const observe = register('histogram', { buckets: BUCKETS, ...options }, (values, value, bounds) => {
        values[0]! += value;
        const at = bounds.findIndex((bound) => value <= bound);
        values[(at < 0 ? bounds.length : at) + 1]! += 1;
      });
      return {
        observe,
        startTimer(labels) {
          const begun = performance.now();
          return (more) => {
            const seconds = (performance.now() - begun) / 1000;
            observe({ ...labels, ...more }, seconds);
            return seconds;
          };
        },
      };
    },
    size: () => size,
    cut(onlyLooks) {
      const pieces: { text: string; updates: number }[] = [];
      let bytes = BATCH_BYTES_MAX;
      for (const [name, family] of families) {
        let head = family.head;
        for (const [labels, series] of family.series) {
          const line = textOf(name, labels, family, series);
          const more = new TextEncoder().encode(family.head + line).length;
          if (more > BATCH_BYTES_MAX) {
            if (!onlyLooks) onInvalid(series.updates, `${name}: too long`);
            continue;
          }
          bytes += more;
          if (bytes > BATCH_BYTES_MAX) {
            bytes = more;
            head = family.head;
            pieces.push({ text: '', updates: 0 });
          }
          const piece = pieces.at(-1)!;
          piece.text += head + line;
          piece.updates += series.updates;
          head = '';
        }
        if (!onlyLooks) family.series.clear();
      }
      if (!onlyLooks) size = 0;
      return pieces;
    },
  };
}
