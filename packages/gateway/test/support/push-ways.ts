/** One push in every format, and in every way in which its body may be read. */
import type { PushOptions } from '../../src/index.ts';
import { bytes, delimited, family, gauge, histogram } from './protobuf.ts';
import type { Labels } from './protobuf.ts';

/** A gauge of these labels with the value 1, or a histogram of these bounds with an observation in each bucket. */
export interface PushedMetric {
  readonly name: string;
  readonly help?: string;
  readonly series?: readonly Labels[];
  readonly bounds?: readonly number[];
}

export type Way = (metrics: readonly PushedMetric[]) => {
  readonly body: string | Uint8Array;
  readonly format: NonNullable<PushOptions['format']>;
};

/** Longer bodies are read in slices. What they are filled with costs each format little. */
const LONG_BYTES = 130 * 1024;
const emptyLines = '\n'.repeat(LONG_BYTES);
const comments = `# ${'x'.repeat(1000)}\n`.repeat(LONG_BYTES / 1000);

function lines(metrics: readonly PushedMetric[], blank = ''): string {
  return metrics
    .flatMap(({ name, help, series = [{}], bounds }) => [
      `# TYPE ${name} ${bounds === undefined ? 'gauge' : 'histogram'}`,
      ...(help === undefined ? [] : [`# HELP ${name} ${help}`]),
      ...(bounds === undefined
        ? series.map((labels) => `${name}${labelText(labels, blank)} 1`)
        : bucketLines(name, bounds)),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** With a blank after the brace a line is read in words, each time. */
function labelText(labels: Labels, blank: string): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : `{${blank}${pairs.join(',')}}`;
}

function bucketLines(name: string, bounds: readonly number[]): string[] {
  return [
    ...bounds.map((bound, i) => `${name}_bucket{le="${bound}.0"} ${i + 1}`),
    `${name}_bucket{le="+Inf"} ${bounds.length}`,
    `${name}_sum 1`,
    `${name}_count ${bounds.length}`,
  ];
}

function message({ name, help, series = [{}], bounds }: PushedMetric): Buffer {
  const described = help === undefined ? {} : { help };
  if (bounds === undefined) {
    return family(name, { ...described, type: 'gauge' }, ...series.map((labels) => gauge(labels, 1)));
  }
  const buckets = bounds.map((bound, i) => [bound, i + 1] as const);
  const is = { count: bounds.length, sum: 1, buckets };
  return family(name, { ...described, type: 'histogram' }, histogram({}, is));
}

/** A family without metrics says nothing, and who does not know a field passes over it. */
const UNKNOWN_FIELD = 15;
const paddingMessage = delimited(bytes(1, 'padding'), bytes(UNKNOWN_FIELD, Buffer.alloc(1000)));

export const ways: Readonly<Record<string, Way>> = {
  text: (metrics) => ({ body: lines(metrics), format: 'text' }),
  'text in words': (metrics) => ({ body: lines(metrics, ' '), format: 'text' }),
  'text in slices': (metrics) => ({ body: `${emptyLines}${lines(metrics)}`, format: 'text' }),
  'text in words, in slices': (metrics) => ({ body: `${emptyLines}${lines(metrics, ' ')}`, format: 'text' }),
  openmetrics: (metrics) => ({ body: `${lines(metrics)}# EOF\n`, format: 'openmetrics' }),
  'openmetrics in slices': (metrics) => ({
    body: `${comments}${lines(metrics)}# EOF\n`,
    format: 'openmetrics',
  }),
  protobuf: (metrics) => ({ body: Buffer.concat(metrics.map(message)), format: 'protobuf' }),
  'protobuf in slices': (metrics) => ({
    body: Buffer.concat([
      ...Array.from({ length: LONG_BYTES / 1000 }, () => paddingMessage),
      ...metrics.map(message),
    ]),
    format: 'protobuf',
  }),
};
