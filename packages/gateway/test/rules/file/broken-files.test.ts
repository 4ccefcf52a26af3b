/** Runs broken.md: each block `yaml` is a file, and the block after it is all that is said about it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { describeProblem, showProblem } from '../../../src/rules/file/problems.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';

const page = readFileSync(new URL('broken.md', import.meta.url), 'utf8');
const sections = page.split(/^## /m).slice(1);

const cases = sections.flatMap((section) => {
  const name = section.slice(0, section.indexOf('\n'));
  const files = [...section.matchAll(/^```yaml\n(.*?)^```\n\n```text\n(.*?)^```$/gms)];
  return files.map(([, file = '', messages = '']) => ({ name, file, messages }));
});

test.each(cases)('$name', ({ file, messages }) => {
  const { rules, problems } = readRules(file);
  expect(problems.map((problem) => `${describeProblem('file', problem)}\n`).join('')).toBe(messages);
  expect(rules === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
});

test('every file of broken.md is run', () => {
  expect(cases).toHaveLength(page.match(/^```yaml$/gm)!.length);
});

const shown = (file: string): string =>
  readRules(file)
    .problems.map((problem) => showProblem('file', problem))
    .join('\n');

test('the line is shown, and what is wrong in it is marked', () => {
  expect(shown('metrics:\n  - match: a\n    guage: max\r\n')).toBe(
    ['file:3:5: unknown key "guage"; did you mean gauge?', ' 3 |     guage: max', '   |     ^^^^^', '']
      .join('\n')
      .trimEnd(),
  );
});

test('columns count characters, and control characters are shown as what they are not', () => {
  expect(shown('metrics: [{match: "😀\u0007\t{", gauge: max}]')).toBe(
    [
      'file:1:20: "😀\\u0007" is unexpected in a series selector',
      ' 1 | metrics: [{match: "😀\ufffd {", gauge: max}]',
      '   |                    ^^',
    ].join('\n'),
  );
});

test('of a long line, that part is shown that is wrong', () => {
  const text = shown(`metrics: [${'{match: a, gauge: max}, '.repeat(50)}{guage: max}]`);
  const [message, line = '', marks = ''] = text.split('\n').slice(-3);
  expect(message).toMatch(/^file:1:1212: unknown key/);
  expect(line.length).toBeLessThan(120);
  expect(line.slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)).toBe('guage');
});

test('no more problems are listed than anybody reads', () => {
  const { problems, rules } = readRules(`metrics:\n${'  - {guage: max}\n'.repeat(1000)}`);
  expect(problems).toHaveLength(100);
  expect(rules).toBeUndefined();
});

test.each([
  ['larger than may be', `# ${'x'.repeat(2 ** 20)}`, 'the file is larger than 1048576 bytes'],
  ['deeper than may be', '['.repeat(10_000), 'values nest more than 32 deep'],
  ['deeper than may be, in blocks', '- '.repeat(10_000), 'values nest more than 32 deep'],
  ['of too many values', `[${'a,'.repeat(110_000)}]`, 'the file has more than 100000 keys and values'],
  [
    'of too many entries',
    `metrics:\n${Array.from({ length: 10_001 }, (_, i) => `  - {match: a${i}, gauge: max}\n`).join('')}`,
    'the file has more than 10000 entries',
  ],
  [
    'of aliases that stand for too much',
    `metrics: [${Array.from(
      { length: 2000 },
      (_, i) => `{match: a${i}, without: ${i === 0 ? `&a [${'a,'.repeat(100)}]` : '*a'}}`,
    ).join(', ')}]`,
    'with its aliases the file has more than 100000 values',
  ],
])('a file %s', (_, file, message) => {
  const { rules, problems } = readRules(file);
  expect(rules).toBeUndefined();
  expect(problems.map((problem) => problem.message)).toContain(message);
});

test('the guide shows what is said about its file', () => {
  const guide = readFileSync(new URL('../../../../../docs/guides/rules.md', import.meta.url), 'utf8');
  const [, file = ''] = /^```yaml\n(.*?)^```$/ms.exec(guide)!;
  const [, messages = ''] = /^```text\n(.*?)^```$/ms.exec(guide)!;
  expect(readRules(file).problems).toEqual([]);
  const broken = file.replace('worker|api', 'worker|(api').replace('gauge: last', 'guage: last');
  const said = readRules(broken).problems.map((problem) => `${showProblem('gateway.yaml', problem)}\n`);
  expect(said.join('')).toBe(messages);
});
