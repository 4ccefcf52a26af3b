/**
 * The families that Prometheus tests its own protobuf parser with. They are not part of this repository; see
 * conformance.test.ts. What each says is known from its text form.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import { beginProtobuf } from '../src/exposition/protobuf/decode.ts';
import { createGateway } from '../src/index.ts';
import { PushProblem } from '../src/model/errors.ts';
import { seriesText } from '../src/model/series-text.ts';
import { formatFloat64 } from '../src/primitives/float.ts';
import { RecordingSink } from './support/sinks.ts';
import { parseTextproto } from './support/textproto.ts';
import type { TextMessage } from './support/textproto.ts';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = join(
  process.env['CONFORMANCE_DIR'] ?? resolve(repository, '../shared/conformance'),
  'prometheus-textparse/protobuf',
);
const isPresent = existsSync(folder);
if (!isPresent) {
  console.warn('conformance-protobuf.test.ts: no conformance data, skipped; set CONFORMANCE_DIR to run it');
}

interface Family {
  readonly name: string;
  readonly delimited_base64: string;
  readonly textproto: string;
}

const families: readonly Family[] = isPresent
  ? (JSON.parse(readFileSync(join(folder, 'families.json'), 'utf8')) as { families: Family[] }).families
  : [];

/** The parser takes these and Prometheus refuses them later, where it stores them. */
const refused: Readonly<Record<string, string>> = {
  test_histogram: 'has the count 175, but 19 observations in its buckets',
  test_gauge_histogram: 'has the count 175, but 19 observations in its buckets',
  test_float_histogram: 'counts -1 in its positive bucket -151',
  test_gauge_float_histogram: 'counts -1 in its positive bucket -151',
  test_histogram_with_native_histogram_exemplars: 'has the count 175, but 19 observations in its buckets',
  test_histogram_with_native_histogram_exemplars2: 'has the count 175, but 19 observations in its buckets',
};

function recorded(body: Uint8Array): string {
  const sink = new RecordingSink();
  const decoder = beginProtobuf(body, sink);
  while (!decoder.advance(64));
  return sink.text;
}

const number = (message: TextMessage | undefined, field: string): number =>
  (message?.[field]?.[0] ?? 0) as number;
const text = (message: TextMessage, field: string): string => (message[field]?.[0] ?? '') as string;
const messages = (message: TextMessage, field: string): readonly TextMessage[] =>
  (message[field] ?? []) as readonly TextMessage[];

/** What a sink should be told of a family. */
function expected(family: TextMessage): string {
  const name = text(family, 'name');
  const type = text(family, 'type').toLowerCase().replace('_', '');
  const lines = [`type ${name} ${type}`, `help ${name} ${text(family, 'help')}`];
  if (family['unit'] !== undefined) lines.push(`unit ${name} ${text(family, 'unit')}`);
  for (const metric of messages(family, 'metric')) {
    const labels = labelsOf(metric);
    const [single] = ['counter', 'gauge', 'untyped'].flatMap((field) => messages(metric, field));
    if (single !== undefined) {
      lines.push(
        `${seriesText(name, labels)} ${number(single, 'value')}`,
        ...start(single),
        ...exemplars(single),
      );
    }
    const [grouped] = ['histogram', 'summary'].flatMap((field) => messages(metric, field));
    if (grouped !== undefined) lines.push(...expectedGroup(name, labels, grouped));
  }
  return lines.map((line) => `${line}\n`).join('');
}

type Labels = readonly { readonly name: string; readonly value: string }[];

function expectedGroup(name: string, labels: Labels, group: TextMessage): string[] {
  const count = number(group, 'sample_count_float') || number(group, 'sample_count');
  const lines = [
    `${seriesText(`${name}_count`, labels)} ${count}`,
    `${seriesText(`${name}_sum`, labels)} ${number(group, 'sample_sum')}`,
    ...start(group),
  ];
  for (const each of messages(group, 'quantile')) {
    const quantile = { name: 'quantile', value: formatFloat64(number(each, 'quantile')) };
    lines.push(`${seriesText(name, [...labels, quantile])} ${number(each, 'value')}`);
  }
  for (const bucket of messages(group, 'bucket')) {
    const le = { name: 'le', value: formatFloat64(number(bucket, 'upper_bound')) };
    const held = number(bucket, 'cumulative_count_float') || number(bucket, 'cumulative_count');
    lines.push(`${seriesText(`${name}_bucket`, [...labels, le])} ${held}`, ...exemplars(bucket));
  }
  const isNative = group['positive_span'] !== undefined || group['negative_span'] !== undefined;
  if (isNative) {
    const zero = number(group, 'zero_count_float') || number(group, 'zero_count');
    lines.push(
      `  native schema ${number(group, 'schema')}, count ${count}, sum ${number(group, 'sample_sum')}, ` +
        `zero ${zero} up to ${number(group, 'zero_threshold')}, ` +
        `positive ${buckets(group, 'positive')}, negative ${buckets(group, 'negative')}`,
      ...exemplars(group, 'exemplars', 'native_exemplar'),
    );
  }
  return lines;
}

function labelsOf(message: TextMessage): Labels {
  return messages(message, 'label').map((label) => ({
    name: text(label, 'name'),
    value: text(label, 'value'),
  }));
}

function timestampMs(timestamp: TextMessage): number {
  return number(timestamp, 'seconds') * 1e3 + number(timestamp, 'nanos') / 1e6;
}

function start(message: TextMessage): string[] {
  return messages(message, 'start_timestamp').map((timestamp) => `  start ${timestampMs(timestamp)}`);
}

function exemplars(message: TextMessage, field = 'exemplar', what = 'exemplar'): string[] {
  return messages(message, field).map((exemplar) => {
    const [timestamp] = messages(exemplar, 'timestamp');
    const at = timestamp === undefined ? '' : ` at ${timestampMs(timestamp)}`;
    return `  ${seriesText(what, labelsOf(exemplar))} ${number(exemplar, 'value')}${at}`;
  });
}

function buckets(group: TextMessage, sign: 'positive' | 'negative'): string {
  const deltas = (group[`${sign}_delta`] ?? []) as readonly number[];
  const counts = [...((group[`${sign}_count`] ?? []) as readonly number[])];
  for (const delta of deltas) counts.push((counts.at(-1) ?? 0) + delta);
  const shown: string[] = [];
  let index = 0;
  for (const span of messages(group, `${sign}_span`)) {
    index += number(span, 'offset');
    for (let i = 0; i < number(span, 'length'); i += 1, index += 1) shown.push(`${index}:${counts.shift()}`);
  }
  return `[${shown.join(' ')}]`;
}

describe.skipIf(!isPresent)("families of Prometheus' own parser test", () => {
  test('all of them are here', () => {
    expect(families).toHaveLength(20);
  });

  test.each(families)('$name', async ({ name, delimited_base64: encoded, textproto }) => {
    const body = Buffer.from(encoded, 'base64');
    const reason = refused[name];
    if (reason === undefined) {
      expect(recorded(body)).toBe(expected(parseTextproto(textproto)));
      const gateway = createGateway({ summaries: 'sum-and-count' });
      for (let time = 0; time < 2; time += 1) await gateway.push(body, { format: 'protobuf' });
      expect(await gateway.scrape()).toContain(`# TYPE ${name} `);
      return;
    }
    let found: unknown;
    try {
      recorded(body);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(PushProblem);
    expect((found as PushProblem).code).toBe('invalid_histogram');
    expect((found as PushProblem).message).toBe(`the native histogram ${name} ${reason}`);
  });

  test('the file with all of them is the families one after the other', () => {
    const file = readFileSync(join(folder, 'createTestProtoBuf.delimited.bin'));
    expect(
      file.equals(Buffer.concat(families.map((family) => Buffer.from(family.delimited_base64, 'base64')))),
    ).toBe(true);
  });
});
