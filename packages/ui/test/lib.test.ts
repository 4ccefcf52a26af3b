import { expect, test } from 'vitest';

import { errorTable } from '../../gateway/src/model/errors.ts';
import { EventParser } from '../src/lib/events.ts';
import { ago, bytes, duration, exactSample, percent, sample, si, visible, whole } from '../src/lib/format.ts';
import { remedies } from '../src/lib/remedies.ts';
import { hashOf, placeOf } from '../src/lib/router.ts';
import { snippetsFor } from '../src/lib/snippets.ts';

test.each([
  [0, '0'],
  [1, '1'],
  [999, '999'],
  [999.6, '1\u00a0k'],
  [1_027, '1.03\u00a0k'],
  [12_345, '12.3\u00a0k'],
  [999_499, '999\u00a0k'],
  [999_999, '1\u00a0M'],
  [1.5e9, '1.5\u00a0G'],
  [1e18, '1\u00a0E'],
  [1e300, '1.00e+300'],
  [-2_500, '−2.5\u00a0k'],
  [0.123456, '0.1235'],
  [0.00001, '1e-5'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '−Inf'],
])('%d is %s', (value, text) => {
  expect(si(value)).toBe(text);
});

test('numbers of other kinds', () => {
  expect(whole(1_234_567)).toBe('1\u2009234\u2009567');
  expect(bytes(12_400_000)).toBe('12.4\u00a0MB');
  expect(bytes(12)).toBe('12\u00a0B');
  expect([sample('1027'), sample('0.25'), sample('1234567'), sample('NaN'), sample('what')]).toEqual([
    '1\u2009027',
    '0.25',
    '1.23\u00a0M',
    'NaN',
    'what',
  ]);
  expect(sample('2500000', 'bytes')).toBe('2.5\u00a0MB');
  expect([exactSample('12840254'), exactSample('0.1'), exactSample('1e300')]).toEqual([
    '12\u2009840\u2009254',
    '0.1',
    '1e300',
  ]);
  expect([percent(0), percent(0.0001), percent(0.034), percent(0.5), percent(0.9996), percent(1)]).toEqual([
    '0 %',
    '< 0.1 %',
    '3.4 %',
    '50 %',
    '99.9 %',
    '100 %',
  ]);
});

test.each([
  [0, '0 s'],
  [0.0042, '4\u00a0ms'],
  [42, '42\u00a0s'],
  [100, '1\u00a0m 40\u00a0s'],
  [8_000, '2\u00a0h 13\u00a0m'],
  [86_400 * 20, '20\u00a0d'],
  [Number.POSITIVE_INFINITY, '∞'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test('ages', () => {
  expect([ago(-3), ago(0.4), ago(3)]).toEqual(['now', 'now', '3\u00a0s ago']);
});

test.each([[['metrics', 'a/b?c#d%2F']], [['metrics', '<script>']], [['metrics', '日本 "x"']], [[]]])(
  'the URL of %j leads there',
  (parts) => {
    const query = { search: 'a=b&c "d"', none: undefined, empty: '' };
    const place = placeOf(hashOf(parts, query));
    expect(place.parts).toEqual(parts);
    expect([...place.query]).toEqual([['search', 'a=b&c "d"']]);
  },
);

test('URLs that nobody has made', () => {
  expect(placeOf('').parts).toEqual([]);
  expect(placeOf('#/metrics/%E0%A4%A').parts).toEqual(['metrics', '%E0%A4%A']);
  expect(hashOf(['metrics', 'a\ud800b'])).toBe('#/metrics/a%EF%BF%BDb');
});

test('events are whole, however they are cut', () => {
  const text =
    ': comment\n\nevent: push\ndata: {"a":\ndata: 1}\n\r\nid: 1\r\nevent: refusal\r\ndata:x\r\n\r\ndata: last\n\n';
  const expected = [
    { type: 'push', data: '{"a":\n1}' },
    { type: 'refusal', data: 'x' },
    { type: 'message', data: 'last' },
  ];
  for (let size = 1; size <= text.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let from = 0; from < text.length; from += size)
      events.push(...parser.push(text.slice(from, from + size)));
    expect(events, `in pieces of ${size}`).toEqual(expected);
  }
});

test('an event without an end takes no memory', () => {
  const parser = new EventParser();
  for (let i = 0; i < 100; i += 1) expect(parser.push('x'.repeat(100_000))).toEqual([]);
  expect(parser.push('\n\ndata: 1\n\n')).toEqual([{ type: 'message', data: '1' }]);
});

test('there is a remedy for each error', () => {
  expect(Object.keys(remedies).toSorted()).toEqual(Object.keys(errorTable).toSorted());
});

test.each(['add', 'by-job', 'mixed'] as const)('snippets name this gateway, in mode %s', (mode) => {
  const url = 'https://gw.example/pag/metrics/';
  const snippets = snippetsFor(url, mode, false);
  expect(snippets.map(({ name }) => name)).toEqual(['curl', 'Python', 'Go', 'Node', 'Web page']);
  for (const { name, code } of snippets) {
    expect(code, name).toContain('https://gw.example/pag');
    expect(code, name).not.toContain('TOKEN');
  }
  expect(snippets[0]?.code).toContain(mode === 'add' ? `${url}\n` : `${url}job/example\n`);
  const withToken = snippetsFor(url, mode, true).filter(({ code }) => code.includes('TOKEN'));
  expect(withToken.map(({ name }) => name)).toEqual(expect.arrayContaining(['curl', 'Node', 'Web page']));
});

test.each([
  ['http_requests_total', 'http_requests_total'],
  ['نص عربي 👩‍👩‍👧', 'نص عربي 👩‍👩‍👧'],
  ['\u202eevil\u202cx', '\\u202eevil\\u202cx'],
  ['a\u0000b\u200bc\ud800', 'a\\u0000b\\u200bc\\ud800'],
  ['two\nlines', 'two\nlines'],
  ['   ', '␣␣␣'],
  ['', ''],
])('of %j all characters are seen', (text, shown) => {
  expect(visible(text)).toBe(shown);
});
