/**
 * The code base tests itself: which folder may import which, how long files and functions are, and words that have no
 * place here. The measures are simple ones over formatted text; they are rules of thumb, not a parser.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

import { repository } from './support/programs.ts';

const source = join(repository, 'packages/gateway/src');
const fileLinesMax = 500;
const functionLinesMax = 70;

/** Each layer may import itself and what is named after it. `.` is the process and the public API. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  primitives: [],
  model: ['primitives'],
  options: ['primitives'],
  histogram: ['model', 'primitives'],
  aggregate: ['histogram', 'model', 'primitives'],
  exposition: ['histogram', 'model', 'primitives'],
  journal: ['options', 'model', 'primitives'],
  gateway: ['options', 'journal', 'aggregate', 'exposition', 'histogram', 'model', 'primitives'],
  http: ['options', 'gateway', 'journal', 'aggregate', 'exposition', 'histogram', 'model', 'primitives'],
  config: [
    'options',
    'http',
    'gateway',
    'journal',
    'aggregate',
    'exposition',
    'histogram',
    'model',
    'primitives',
  ],
  '.': [
    'config',
    'options',
    'http',
    'gateway',
    'journal',
    'aggregate',
    'exposition',
    'histogram',
    'model',
    'primitives',
  ],
};

/** Written by others, and left as it is. */
const othersData = 'packages/gateway/test/conformance/data/';

/** Spelled in pieces, so that this file does not hold them. */
const bannedWords = [['/wo', 'rk/'].join(''), ['registry.', 'npmjs.org'].join('')];

interface SourceFile {
  /** Relative to src/, such as `aggregate/state.ts`. */
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  readonly lines: readonly string[];
}

const files: readonly SourceFile[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(source, path), 'utf8');
    return { path, layer: layerOf(path), text, lines: text.split('\n') };
  });

function layerOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '.';
}

function importsOf(text: string): readonly string[] {
  const statement = /^(?:import|export)\s(?:[\w\s{},*$]*\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/gm;
  return [...text.matchAll(statement)].map((match) => match[1] ?? match[2] ?? '');
}

/** `path:line what`, for each line that the pattern matches. */
function linesWith(pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
  );
}

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(10);
});

test('every folder of src is a known layer', () => {
  expect(files.filter(({ layer }) => !(layer in mayImport)).map(({ path }) => path)).toEqual([]);
});

test('imports go down', () => {
  const wrong = files.flatMap(({ path, layer, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(source, join(source, dirname(path), target)))
      .filter((target) => layerOf(target) !== layer && !mayImport[layer]?.includes(layerOf(target)))
      .map((target) => `${path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('exposition and aggregate have no dependency', () => {
  const wrong = files
    .filter(({ layer }) => ['exposition', 'aggregate', 'model'].includes(layer))
    .flatMap(({ path, text }) =>
      importsOf(text)
        .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
        .map((target) => `${path} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('relative imports end in .ts', () => {
  const wrong = files.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.') && !target.endsWith('.ts'))
      .map((target) => `${path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('every export is named', () => {
  expect(linesWith(/^export (?:\*|default\b)/)).toEqual([]);
});

test('no escape from the types', () => {
  expect(
    linesWith(/(?::|\bas|<|,|\|)\s*any\b(?=\s*[;,)>[\]=|&{]|$)|@ts-(?:ignore|expect-error|nocheck)/),
  ).toEqual([]);
});

test(`no file has more than ${fileLinesMax} lines`, () => {
  // The last piece of the split is what follows the last newline: nothing.
  const long = files.filter(({ lines }) => lines.length - 1 > fileLinesMax);
  expect(long.map(({ path, lines }) => `${path} has ${lines.length - 1} lines`)).toEqual([]);
});

test(`no function has more than ${functionLinesMax} lines`, () => {
  expect(files.flatMap(({ path, lines }) => longFunctions(path, lines))).toEqual([]);
});

test('the measure of functions sees declarations, methods and arrows, and no other blocks', () => {
  const body = Array.from({ length: functionLinesMax }, () => '  work();');
  const seen = (...head: string[]): number => longFunctions('x.ts', [...head, ...body, '}']).length;
  expect(seen('export async function apply(batch: Batch): void {')).toBe(1);
  expect(seen('async push(body: string): Promise<void> {')).toBe(1);
  expect(seen('const apply = (batch: Batch): void => {')).toBe(1);
  expect(seen('function apply(', '  batch: Batch,', '): void {')).toBe(1);
  expect(seen('class State {')).toBe(0);
  expect(seen('export const table = {')).toBe(0);
  expect(seen('for (const row of rows) {')).toBe(0);
  expect(seen('if (', '  here &&', '  there', ') {')).toBe(0);
});

/** A function runs from the line that opens its body to the line, equally indented, that closes it. */
function longFunctions(path: string, lines: readonly string[]): readonly string[] {
  return lines.flatMap((line, start) => {
    if (!line.endsWith('{') || !opensFunction(lines, start)) return [];
    const indent = indentOf(line);
    const end = lines.findIndex(
      (other, i) => i > start && indentOf(other) === indent && /^\s*\}/.test(other),
    );
    const length = end - start + 1;
    return length > functionLinesMax ? [`${path}:${start + 1} ${line.trim()} has ${length} lines`] : [];
  });
}

function opensFunction(lines: readonly string[], at: number): boolean {
  const line = lines[at]?.trim() ?? '';
  if (line.endsWith('=> {')) return true;
  if (!/\)(?:: .+)? \{$/.test(line)) return false;
  let head = line;
  if (line.startsWith(')')) {
    const indent = indentOf(lines[at] ?? '');
    const before = lines.slice(0, at).findLast((other) => other.trim() !== '' && indentOf(other) <= indent);
    head = before?.trim() ?? '';
  }
  return !/^(?:\} else )?(?:\w+: )?(?:if|for|while|switch|catch|\} catch|with)\b/.test(head);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

test('no file of the repository has a banned word', () => {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  });
  const wrong = listed
    .split('\0')
    .filter((path) => path !== '' && !path.startsWith(othersData) && isFile(join(repository, path)))
    .flatMap((path) => {
      const text = readFileSync(join(repository, path), 'utf8');
      return bannedWords.filter((word) => text.includes(word)).map((word) => `${path} has ${word}`);
    });
  expect(wrong).toEqual([]);
});

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
