import { describe, expect, test } from 'vitest';

import type { LogOptions } from '../../src/config/config.ts';
import { createLog } from '../../src/config/logger.ts';
import type { Log } from '../../src/primitives/log.ts';

function written(act: (log: Log) => void, options: Partial<LogOptions> = {}): string {
  let text = '';
  const stream = { write: (part: string) => void (text += part) };
  act(createLog({ level: 'info', format: 'logfmt', ...options }, stream));
  return text;
}

describe('a field in logfmt', () => {
  test.each([
    ['plain', 'a.b/c:1', 'a.b/c:1'],
    ['letters beyond ASCII', 'größe', 'größe'],
    ['blank', 'a b', '"a b"'],
    ['empty', '', '""'],
    ['quote', 'a"b', '"a\\"b"'],
    ['equals sign', 'a=b', '"a=b"'],
    ['newline', 'a\nb', '"a\\nb"'],
    ['escape character', 'a\u001B[2J', '"a\\u001b[2J"'],
    ['control character beyond ASCII', 'a\u009B2J', '"a\\u009b2J"'],
    ['number', 1.5, '1.5'],
    ['boolean', true, 'true'],
  ])('%s', (_, value, expected) => {
    const line = written((log) => log.info('x', { key: value }));
    expect(line.slice(line.indexOf(' level='))).toBe(` level=info msg=x key=${expected}\n`);
  });

  test('undefined is left out', () =>
    expect(written((log) => log.info('x', { key: undefined }))).toMatch(/msg=x\n$/));
});

test('time, level and message come first', () =>
  expect(written((log) => log.warn('a b', { code: 'c' }))).toMatch(
    /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warn msg="a b" code=c\n$/,
  ));

test('a message is no format', () =>
  expect(written((log) => log.info('100%s', { a: 1 }))).toContain('msg=100%s a=1'));

test('less severe than the level is not written', () => {
  const act = (log: Log): void => {
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
  };
  const messages = (level: LogOptions['level']): string[] =>
    written(act, { level }).match(/(?<=msg=)./g) ?? [];
  expect(messages('debug')).toEqual(['d', 'i', 'w', 'e']);
  expect(messages('warn')).toEqual(['w', 'e']);
  expect(messages('error')).toEqual(['e']);
});

test('JSON has the same fields', () => {
  const line = written((log) => log.info('hello', { port: 1 }), { format: 'json' });
  const { time, ...fields } = JSON.parse(line) as Record<string, unknown>;
  expect(fields).toEqual({ level: 'info', msg: 'hello', port: 1 });
  expect(new Date(String(time)).toISOString()).toBe(time);
});

test('lines are written at once', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'json' }, { write: (line) => lines.push(line) });
  log.info('first');
  expect(lines).toHaveLength(1);
});
