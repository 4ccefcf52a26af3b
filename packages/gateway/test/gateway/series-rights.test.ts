/** What a token may push: the same bytes mean something else, or are refused, for another token, however well the gateway knows them. */
import { describe, expect, it, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { PushFormat } from '../../src/gateway/api.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { areAllowed } from '../../src/ingest/rewrite/series-rules.ts';
import { looksAtSeries, rulesForPath, senderOptionsOf } from '../../src/ingest/rewrite/push-rules.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { RequestError } from '../../src/model/errors.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { ways } from '../support/push-ways.ts';
import { family, histogram, nativeFields } from '../support/protobuf.ts';

type Body = string | Uint8Array;

/** A gateway with tokens a, b, … of which each has one of these entries. */
function gatewayWith(entries: readonly string[], more: string = '', options: object = {}) {
  const tokens = entries.map(
    (entry, i) =>
      `    - {name: ${'abcdef'[i]}, sha256: ${String(i).repeat(64)}${entry === '' ? '' : `, ${entry}`}}\n`,
  );
  const { rules, problems } = readRules(`${more}\naccess:\n  tokens:\n${tokens.join('')}`);
  if (rules === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  const { gateway, embedded } = embed(options, memoryJournal(), rules);
  const push = async (
    token: string | undefined,
    body: Body,
    format: PushFormat = 'text',
    path = '',
  ): Promise<string> => {
    const rights = rules.access!.tokens.find(({ name }) => name === token)?.series;
    try {
      return await gateway.push({
        method: 'POST',
        key: parsePushPath(path),
        format,
        body: Buffer.from(body),
        rights,
      });
    } catch (error) {
      return `${(error as RequestError).code}: ${(error as RequestError).text}`;
    }
  };
  return { push, page: () => embedded.scrape() };
}

/** Some of the bodies are filled with comments. */
const lenient = { openmetrics: 'lenient' };

const only = (selector: string, more: string = ''): string => `metrics: '${selector}'${more}`;

describe('the same bytes', () => {
  it.each(Object.entries(ways))('are refused for another token, %s', async (_name, way) => {
    const { push, page } = gatewayWith(
      [only('{__name__=~"web_.*"}'), only('{__name__="other"}'), ''],
      '',
      lenient,
    );
    const { body, format } = way([
      { name: 'web_depth', series: [{ page: 'home' }, { page: 'cart' }] },
      { name: 'web_seconds', bounds: [1, 2] },
    ]);
    // So that they are known in every way in which series can be known.
    for (let times = 0; times < 4; times += 1) expect(await push('a', body, format)).toBe('applied');
    for (let times = 0; times < 4; times += 1) expect(await push(undefined, body, format)).toBe('applied');
    const before = await page();
    for (let times = 0; times < 4; times += 1)
      expect(await push('b', body, format)).toMatch(
        /^forbidden: .*web_depth\{page="(home|cart)"\} may not be pushed with this token, but only what matches "\{__name__=\\"other\\"\}"$/,
      );
    expect(await page()).toBe(before);
    expect(await push('a', body, format)).toBe('applied');
    expect(await page()).not.toBe(before);
  });

  it.each(Object.entries(ways))('get the labels of each token, %s', async (_name, way) => {
    const { push, page } = gatewayWith(
      ['set_labels: {site: one}', 'set_labels: {site: two}', ''],
      '',
      lenient,
    );
    const { body, format } = way([
      { name: 'depth', series: [{ page: 'home' }, { page: 'home2', site: 'mine' }] },
    ]);
    for (let times = 0; times < 3; times += 1)
      for (const token of ['a', undefined, 'b']) expect(await push(token, body, format)).toBe('applied');
    expect(
      (await page())
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .toSorted(),
    ).toEqual([
      '',
      'depth{page="home",site="one"} 3',
      'depth{page="home",site="two"} 3',
      'depth{page="home"} 3',
      'depth{page="home2",site="mine"} 3',
      'depth{page="home2",site="one"} 3',
      'depth{page="home2",site="two"} 3',
    ]);
  });
});

test('with drop, what may not be pushed is left out, whole histograms as well', async () => {
  const { push, page } = gatewayWith([only('{__name__=~"web_.*",page=~"|home"}', ', on_refused: drop')]);
  const lines = [
    '# TYPE web_total counter',
    'web_total{page="home"} 1',
    'web_total{page="cart"} 1',
    '# TYPE web_seconds histogram',
    ...['home', 'cart'].flatMap((page) => [
      `web_seconds_bucket{le="1",page="${page}"} 1`,
      `web_seconds_bucket{le="+Inf",page="${page}"} 2`,
      `web_seconds_sum{page="${page}"} 3`,
      `web_seconds_count{page="${page}"} 2`,
    ]),
    '# HELP other_total Theirs.',
    '# TYPE other_total counter',
    'other_total 1',
  ];
  for (let times = 0; times < 3; times += 1) expect(await push('a', `${lines.join('\n')}\n`)).toBe('applied');
  expect(await page()).toBe(`# TYPE web_seconds histogram
web_seconds_bucket{page="home",le="1"} 3
web_seconds_bucket{page="home",le="+Inf"} 6
web_seconds_sum{page="home"} 9
web_seconds_count{page="home"} 6
# TYPE web_total counter
web_total{page="home"} 3
`);
  expect(await push('a', 'other 1\n')).toBe('dropped by rules');
});

describe('nothing is said of what may not be pushed', () => {
  it.each(['refuse', 'drop'])('by metadata alone, with %s', async (onRefused) => {
    const { push, page } = gatewayWith([only('{__name__=~"web_.*"}', `, on_refused: ${onRefused}`)]);
    const theirs = '# TYPE theirs counter\ntheirs 1\n';
    for (let times = 0; times < 3; times += 1) {
      expect(
        await push('a', '# TYPE web_total counter\nweb_total 1\n# TYPE theirs gauge\n# HELP theirs Mine.\n'),
      ).toBe('applied');
      expect(await push(undefined, theirs)).toBe('applied');
    }
    expect(await page()).toBe('# TYPE theirs counter\ntheirs 3\n# TYPE web_total counter\nweb_total 3\n');
  });

  it('by lines without a type that are part of a histogram', async () => {
    const { push, page } = gatewayWith([only('{__name__!="seconds"}')]);
    const typed =
      '# TYPE seconds histogram\nseconds_bucket{le="1"} 1\nseconds_bucket{le="+Inf"} 1\nseconds_sum 1\nseconds_count 1\n';
    expect(await push(undefined, typed)).toBe('applied');
    const before = await page();
    const untyped = typed.replace(/^.*\n/, '');
    for (let times = 0; times < 3; times += 1)
      expect(await push('a', untyped)).toMatch(/^forbidden: line 1, column 1: seconds_bucket/);
    expect(await page()).toBe(before);
  });

  it('by native histograms', async () => {
    const { push, page } = gatewayWith([only('{__name__="other"}')]);
    const native = family(
      'seconds',
      { type: 'histogram' },
      histogram(
        {},
        { count: 3, sum: 3, buckets: [] },
        ...nativeFields({
          schema: 3,
          zeroThreshold: 0.001,
          zeroCount: 0,
          positive: [
            [0, 1],
            [0, 2],
          ],
          negative: [],
        }),
      ),
    );
    expect(await push(undefined, native, 'protobuf')).toBe('applied');
    const before = await page();
    for (let times = 0; times < 3; times += 1)
      expect(await push('a', native, 'protobuf')).toMatch(/^forbidden/);
    expect(await page()).toBe(before);
    const classic = family(
      'seconds',
      { type: 'histogram' },
      histogram({}, { count: 1, sum: 1, buckets: [[1, 1]] }),
    );
    expect(await push('a', classic, 'protobuf')).toMatch(/^forbidden/);
  });
});

test('labels that are set are seen by metrics, by relabelling and by rules', async () => {
  const { push, page } = gatewayWith(
    [`${only('{site="one",page=~"home|cart"}')}, set_labels: {site: one, page: home}`],
    'metric_relabel_configs: [{source_labels: [site], regex: one, target_label: seen, replacement: "yes"}]\nmetrics: [{match: \'{site="one"}\', without: [site]}]',
  );
  for (let times = 0; times < 3; times += 1)
    expect(await push('a', 'depth{page="evil",site="evil"} 1\n')).toBe('applied');
  expect(await page()).toBe('# TYPE depth untyped\ndepth{page="home",seen="yes"} 3\n');
});

test('labels that are set win over those of the path', async () => {
  const { push, page } = gatewayWith(['set_labels: {job: mine, site: one}'], '', {
    pathLabels: 'add',
    byJob: true,
    pushTimes: false,
  });
  for (let times = 0; times < 3; times += 1)
    expect(await push('a', 'depth 1\n', 'text', 'job/theirs/instance/i')).toBe('applied');
  expect(await page()).toBe('# TYPE depth untyped\ndepth{instance="i",job="mine",site="one"} 1\n');
});

test('labels that are set are not those of another token where rules look at the path', async () => {
  const { push, page } = gatewayWith(
    ['set_labels: {site: one}', 'set_labels: {site: two}'],
    'metric_relabel_configs: [{source_labels: [__path_job], target_label: from}]',
  );
  for (let times = 0; times < 3; times += 1)
    for (const token of ['a', 'b']) expect(await push(token, 'depth 1\n', 'text', 'job/x')).toBe('applied');
  expect(await page()).toBe(
    '# TYPE depth untyped\ndepth{from="x",site="one"} 3\ndepth{from="x",site="two"} 3\n',
  );
});

test('times of pushes have the labels that are set, of refused ones as well', async () => {
  const { push, page } = gatewayWith(['set_labels: {site: one}'], '', { byJob: true, pathLabels: 'add' });
  expect(await push('a', 'depth 1\n', 'text', 'job/x')).toBe('applied');
  expect(await push('a', 'depth wrong\n', 'text', 'job/x')).toMatch(/^syntax/);
  const times = (await page()).split('\n').filter((line) => /^push_.*time_seconds\{/.test(line));
  expect(times.map((line) => line.replace(/ .*/, ''))).toEqual([
    'push_failure_time_seconds{instance="",job="x",site="one"}',
    'push_time_seconds{instance="",job="x",site="one"}',
  ]);
});

test('names of families are looked at in steps, and what a token may push counts as a rule does', () => {
  const { rules } = readRules(
    `access: {tokens: [{name: a, sha256: ${'0'.repeat(64)}, metrics: '{__name__=~"web_.*",page=~"a|b"}'}]}`,
  );
  const rights = rules!.access!.tokens[0]!.series;
  const options = {
    byJob: false,
    jobCounterResets: 'overwrite',
    pathLabels: 'drop',
    emptyInstance: false,
  } as const;
  const pushed = rulesForPath(rules!, parsePushPath('job/x'), senderOptionsOf(options), { rights });
  expect(looksAtSeries(pushed)).toBe(2);
  const families = Array.from({ length: 100_000 }, (_, i) => ({ name: `web_${i}` }));
  expect([...areAllowed(families, pushed)].length).toBeGreaterThan(200);
});

test('the place of what may not be pushed is told', async () => {
  const { push } = gatewayWith([only('{__name__=~"web_.*"}')]);
  const long = `${'# x\n'.repeat(100_000)}web_a 1\n  other{a="b"} 1\n`;
  for (const body of ['web_a 1\n  other{a="b"} 1\n', long])
    expect(await push('a', body)).toMatch(
      /^forbidden: line (2|100002), column 3: other\{a="b"\} may not be pushed/,
    );
});
