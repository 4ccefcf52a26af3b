/** Native histograms go with their count: merged where that is, gone where that is dropped. */
import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { rulesOf } from '../rules/rules.ts';
import type { WrittenRules } from '../rules/rules.ts';
import * as wire from '../support/protobuf.ts';

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);

/** Counts of buckets in a row from `offset` on, as client_golang sends them. */
function metric(pod: string | undefined, schema: number, counts: readonly number[], offset: number): Buffer {
  const deltas = counts.map((count, i) => wire.number(13, zigzag(count - (counts[i - 1] ?? 0))));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Buffer.concat([
    wire.labelFields(pod === undefined ? {} : { pod }),
    wire.bytes(
      7,
      wire.number(1, total),
      wire.double(2, total * 2),
      wire.number(5, zigzag(schema)),
      wire.double(6, 2 ** -128),
      wire.number(7, 0),
      wire.bytes(12, wire.number(1, zigzag(offset)), wire.number(2, counts.length)),
      ...deltas,
      wire.timestamp(15, 1_700_000_000),
    ),
  ]);
}

const family = (...metrics: readonly Buffer[]): Buffer =>
  wire.family('latency', { help: 'Time.', type: 'histogram' }, ...metrics);

async function pageOf(rules: WrittenRules, ...bodies: readonly Buffer[]): Promise<string> {
  const { embedded } = embed({ byJob: true }, memoryJournal(), rulesOf(rules));
  for (const [i, body] of bodies.entries())
    await embedded.push(body, { path: `job/a${i}`, format: 'protobuf' });
  const page = await embedded.scrapeBytes({ format: 'protobuf' });
  await embedded.close();
  return Buffer.from(page).toString('latin1');
}

test('two of one push become one, whatever their resolutions are', async () => {
  const both = family(metric('a', 1, [3, 0, 4], 2), metric('b', 0, [5, 6], 1));
  const page = await pageOf({ metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] }, both);
  expect(page).toContain('latency');
  expect(page).not.toContain('pod');
  expect(page).toBe(await pageOf({}, family(metric(undefined, 0, [5 + 3, 6 + 4], 1))));
});

test('one whose count is dropped is gone, and one that is renamed is whole', async () => {
  const rename = { source_labels: ['__name__'], target_label: '__name__', replacement: 'my_$1' };
  const drop = { action: 'drop', source_labels: ['__name__', 'pod'], regex: 'latency_.*;a' } as const;
  const both = family(metric('a', 1, [3], 2), metric('b', 0, [5, 6], 1));
  expect(await pageOf({ metric_relabel_configs: [drop, rename] }, both)).toBe(
    await pageOf(
      {},
      wire.family('my_latency', { help: 'Time.', type: 'histogram' }, metric('b', 0, [5, 6], 1)),
    ),
  );
});
