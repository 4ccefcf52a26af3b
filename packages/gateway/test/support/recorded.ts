/** What messages of io.prometheus.client say, worked out from their fields alone: to compare decoders with. */
import { seriesText } from '../../src/model/series-text.ts';
import { formatFloat64 } from '../../src/primitives/float.ts';
import type { TextMessage } from './textproto.ts';

const number = (message: TextMessage | undefined, field: string): number =>
  (message?.[field]?.[0] ?? 0) as number;
const text = (message: TextMessage, field: string): string => (message[field]?.[0] ?? '') as string;
const messages = (message: TextMessage, field: string): readonly TextMessage[] =>
  (message[field] ?? []) as readonly TextMessage[];

/** What a RecordingSink should write down of a MetricFamily. */
export function recordedOf(family: TextMessage): string {
  const name = text(family, 'name');
  const type = text(family, 'type').toLowerCase().replace('_', '');
  const lines = [`type ${name} ${type}`];
  if (family['help'] !== undefined) lines.push(`help ${name} ${text(family, 'help')}`);
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
    if (grouped !== undefined) lines.push(...toldOfGroup(name, labels, grouped));
  }
  return lines.map((line) => `${line}\n`).join('');
}

type Labels = readonly { readonly name: string; readonly value: string }[];

function toldOfGroup(name: string, labels: Labels, group: TextMessage): string[] {
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
    for (let i = 0; i < number(span, 'length'); i += 1, index += 1) {
      const count = counts.shift();
      if (count !== 0) shown.push(`${index}:${count}`);
    }
  }
  return `[${shown.join(' ')}]`;
}
