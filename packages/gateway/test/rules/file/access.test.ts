/** What a configuration file says of access, and what is wrong with it. */
import { createHash } from 'node:crypto';

import { describe, expect, it, test } from 'vitest';

import { showProblem } from '../../../src/rules/file/problems.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';

const DIGEST = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

function read(access: string) {
  const { rules, problems } = readRules(`access:\n  ${access}\n`);
  return {
    rules,
    messages: problems.map(
      ({ line, column, severity, message }) => `${line}:${column} ${severity}: ${message}`,
    ),
  };
}

const tokens = (token: string): string => `tokens: [${token}]`;
const token = (more: string): string => tokens(`{name: web, sha256: ${DIGEST}, ${more}}`);

test('a whole one', () => {
  const { rules, messages } = read(`anonymous: [scrape]
  users: {grafana: [scrape, read]}
  tokens:
    - name: shop-web
      sha256: ${DIGEST.toUpperCase()}
      may: [push, delete]
      sources: '{job="shop"}'
      origins: [https://shop.example, 'http://localhost:3000', capacitor://localhost]
      limits: {pushes_per_second: 200, burst: 1000, bytes_per_second: 1MiB, body: 16KiB}
      expires: 2027-06-01`);
  expect(messages).toEqual([]);
  const { access } = rules!;
  expect(access).toMatchObject({
    anonymous: new Set(['scrape']),
    users: new Map([['grafana', new Set(['scrape', 'read'])]]),
    tokens: [
      {
        name: 'shop-web',
        sha256: DIGEST,
        may: new Set(['push', 'delete']),
        origins: ['https://shop.example', 'http://localhost:3000', 'capacitor://localhost'],
        inUrl: false,
        limits: { pushesPerSecond: 200, burst: 1000, bytesPerSecond: 1 << 20, body: 16 << 10 },
        expiresMs: Date.parse('2027-06-02T00:00:00Z') - 1,
      },
    ],
  });
  expect(access?.tokens[0]?.sources?.text).toBe('{job="shop"}');
});

test('what is left out', () => {
  expect(read(tokens(`{name: web, sha256: ${DIGEST}}`)).rules!.access).toEqual({
    anonymous: undefined,
    users: new Map(),
    tokens: [
      {
        name: 'web',
        sha256: DIGEST,
        may: new Set(['push']),
        sources: undefined,
        origins: undefined,
        inUrl: false,
        series: undefined,
        limits: {
          pushesPerSecond: undefined,
          burst: undefined,
          bytesPerSecond: undefined,
          body: undefined,
          seriesMax: undefined,
          newSeriesPerHour: undefined,
          onLimit: 'refuse',
        },
        expiresMs: undefined,
      },
    ],
  });
  expect(readRules('presets: [info]').rules!.access).toBeUndefined();
});

test('tokens with the same rights to series share them', () => {
  const series = (more: string): string => `metrics: '{__name__="a"}', set_labels: {${more}}`;
  const { rules, messages } = read(
    tokens(
      [series('x: "1", y: "2"'), series('y: "2", x: "1"'), series('x: "1"')]
        .map((each, i) => `{name: t${i}, sha256: ${String(i).repeat(64)}, ${each}}`)
        .join(', '),
    ),
  );
  expect(messages).toEqual([]);
  const [one, same, other] = rules!.access!.tokens.map((each) => each.series!);
  expect(same).toBe(one);
  expect(other!.id).not.toBe(one!.id);
  expect(one).toMatchObject({
    setLabels: [
      { name: 'x', value: '1' },
      { name: 'y', value: '2' },
    ],
    onRefused: 'refuse',
  });
});

describe('what is wrong', () => {
  it.each<[access: string, message: RegExp]>([
    [
      'anonymous: [psuh]',
      /"psuh" is not one of push, delete, scrape, read, admin, lifecycle; did you mean push\?/,
    ],
    ['token: []', /unknown key "token"; did you mean tokens\?/],
    [tokens(`{sha256: ${DIGEST}}`), /a token needs a name/],
    [tokens('{name: web}'), /sha256 is missing; make a token/],
    [tokens(`{name: 'a b', sha256: ${DIGEST}}`), /1 to 64 letters, digits, dots, dashes and underscores/],
    [tokens('{name: web, sha256: hunter22}'), /64 hexadecimal digits, and this has 8 characters/],
    [token('may: []'), /of no use/],
    [token(`sources: 'a{job="x"}'`), /the path of a push has no metric name/],
    [token('sources: "{job=x}"'), /series selector/],
    [token('origins: [https://a.example/]'), /no origin as browsers send it; write https:\/\/a\.example/],
    [token('origins: ["*"]'), /no origin as browsers send it/],
    [token('in_url: maybe'), /true or false/],
    [token('in_url: true, may: [push, delete]'), /warning: what is in a URL is in logs/],
    [token('expires: 2027-02-30'), /write it like/],
    [token('expires: 2027-13-01'), /write it like/],
    [token('expires: 2027-06-01T25:00:00Z'), /write it like/],
    [token('expires: tomorrow'), /write it like/],
    [
      tokens(`{name: web, sha256: ${createHash('sha256').update('').digest('hex')}}`),
      /the SHA-256 of an empty token/,
    ],
    [token(`may: [admin], sources: '{job="x"}'`), /warning: sources says nothing of the admin API/],
    [token('limits: {burst: 5}'), /burst has no effect without pushes_per_second/],
    [token('limits: {body: 16 KB}'), /not a size/],
    [token('limits: {pushes_per_second: 0}'), /whole number above 0/],
    [token('limits: {series_max: 0}'), /whole number above 0/],
    [token('limits: {on_limit: drop}'), /on_limit has no effect without series_max or new_series_per_hour/],
    [token('limits: {series_max: 5, on_limit: grow}'), /not one of refuse, drop, overflow/],
    [token('metrics: "{a=b}"'), /series selector/],
    [token('on_refused: drop'), /on_refused has no effect without metrics/],
    [token('set_labels: {le: "1"}'), /"le" cannot be set: it tells parts of a series apart/],
    [token('set_labels: {__path_job: a}'), /labels that begin with __ are for relabelling alone/],
    [token('set_labels: {site: ""}'), /the value of a label is empty/],
    [token('set_labels: [site]'), /must be a mapping of labels to values, not a list/],
    [
      tokens(`{name: a, sha256: ${DIGEST}}, {name: b, sha256: ${DIGEST}}`),
      /the token is that of the token in line 2 already/,
    ],
    [
      tokens(`{name: a, sha256: ${DIGEST}}, {name: a, sha256: ${DIGEST.replace('9', '8')}}`),
      /the name is that of the token in line 2 already/,
    ],
  ])('%s', (access, message) => {
    const { messages } = read(access);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(message);
    expect(messages[0]).not.toContain('hunter22');
  });
});

test.each([
  tokens('{name: web, sha256: hunter22}'),
  tokens('{name: web, sha256: "hunter22"}'),
  tokens(`{name: web, token: hunter22, sha256: ${DIGEST}}`),
  tokens(`{nmae: web, sha256: pag_hunter22}`),
  tokens(`{name: pag_hunter22!, sha256: ${DIGEST}}`),
  'tokens:\n    - name: web\n      sha256:\n        hunter22',
])('a token that stands in the file is not shown: %s', (access) => {
  const { problems } = readRules(`access:\n  ${access}\n`);
  expect(problems.length).toBeGreaterThan(0);
  const shown = problems.map((problem) => showProblem('gateway.yaml', problem)).join('\n');
  expect(shown).not.toContain('hunter22');
  expect(shown).toContain('********');
});
