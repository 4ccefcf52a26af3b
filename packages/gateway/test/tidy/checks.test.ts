/** Each check finds what it is there to find, in a few files with one mistake in them. */
import { describe, expect, test } from 'vitest';

import type { Layers } from './layers.ts';
import { circlesOfFiles, circlesOfLayers, layerOf, unknownLayers, upwardImports } from './layers.ts';
import { escapeFromTypes, exportWithoutName, linesWith, longFiles, longFunctions } from './lines.ts';
import type { SourceFile } from './source-file.ts';
import { exportsOf, importsOf } from './source-file.ts';
import { exportsNobodyUses, filesNobodyImports } from './unused.ts';
import { bannedWordsIn, staleExceptions } from './words.ts';

function filesOf(texts: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

describe('what a file imports and exports', () => {
  const file = (text: string): SourceFile => ({ path: 'high/file.ts', text });

  test('imports of all forms, with the names that the other file has for them', () => {
    const targets = (text: string): unknown =>
      importsOf(file(text)).map(({ target, names }) => [target, names]);
    expect(targets("import { a, type B } from '../model/x.ts';")).toEqual([['model/x.ts', ['a', 'B']]]);
    expect(targets("import type { A as B } from './x.ts';")).toEqual([['high/x.ts', ['A']]]);
    expect(targets("import {\n  a,\n  b,\n} from './x.ts';")).toEqual([['high/x.ts', ['a', 'b']]]);
    expect(targets("import * as all from './x.ts';")).toEqual([['high/x.ts', ['*']]]);
    expect(targets("import './x.ts';")).toEqual([['high/x.ts', []]]);
    expect(targets("export { a } from './x.ts';")).toEqual([['high/x.ts', ['a']]]);
    expect(targets("  const x = await import('./x.ts');")).toEqual([['high/x.ts', ['*']]]);
    expect(targets("import { join } from 'node:path';")).toEqual([[undefined, ['join']]]);
  });

  test('exports of all forms', () => {
    const text = [
      'export function* a() {}',
      'export async function b() {}',
      'export class C {}',
      'export interface D {}',
      'export type E = 1;',
      'export type E = 2;',
      'export const f = 1;',
      'function notExported() {}',
    ].join('\n');
    expect(exportsOf(file(text))).toEqual(['a', 'b', 'C', 'D', 'E', 'f']);
  });
});

describe('layers', () => {
  const layers: Layers = {
    low: [],
    'high/api.ts': ['low'],
    'high/part': ['high/api.ts', 'low'],
    high: ['high/part', 'high/api.ts', 'low'],
    '.': ['high', 'low'],
  };

  test('a path falls under the most particular row', () => {
    expect(layerOf('high/api.ts', layers)).toBe('high/api.ts');
    expect(layerOf('high/part/x.ts', layers)).toBe('high/part');
    expect(layerOf('high/other/x.ts', layers)).toBe('high');
    expect(layerOf('x.ts', layers)).toBe('.');
    expect(layerOf('x.ts', {})).toBeUndefined();
  });

  test('a folder that no row speaks of is found', () => {
    expect(unknownLayers(filesOf({ 'low/x.ts': '', 'x.ts': '', 'new/x.ts': '' }), layers)).toEqual([
      'new/x.ts',
    ]);
  });

  test('an import that goes up is found, types included, and those that go down or stay are not', () => {
    const files = filesOf({
      'low/a.ts': "import type { X } from '../high/x.ts';\nimport { y } from './b.ts';",
      'low/b.ts': "import { join } from 'node:path';",
      'high/api.ts': "import { p } from './part/p.ts';\nimport type { P } from './part/p.ts';",
      'high/part/p.ts': "import { api } from '../api.ts';\nimport { b } from '../../low/b.ts';",
      'high/x.ts': "import { p } from './part/p.ts';",
      'main.ts': "import { x } from './high/x.ts';",
    });
    expect(upwardImports(files, layers)).toEqual([
      'low/a.ts imports high/x.ts',
      'high/api.ts imports high/part/p.ts',
    ]);
  });

  test('rows that name each other are found', () => {
    expect(circlesOfLayers(layers)).toEqual([]);
    expect(circlesOfLayers({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })).toEqual([['a', 'b', 'c']]);
  });
});

test('circles of files are found, each once, and types count', () => {
  const files = filesOf({
    'a.ts': "import { b } from './b.ts';",
    'b.ts': "import { c } from './c.ts';\nimport { d } from './d.ts';",
    'c.ts': "import type { A } from './a.ts';",
    'd.ts': "import { e } from './sub/e.ts';",
    'sub/e.ts': '',
    'sub/f.ts': "import { g } from './g.ts';",
    'sub/g.ts': "export { f } from './f.ts';",
  });
  expect(circlesOfFiles(files)).toEqual([
    ['a.ts', 'b.ts', 'c.ts'],
    ['sub/f.ts', 'sub/g.ts'],
  ]);
  expect(circlesOfFiles(filesOf({ 'a.ts': "import './a.ts';" }))).toEqual([['a.ts']]);
});

describe('what nobody uses', () => {
  const files = filesOf({
    'main.ts': "import { a } from './a.ts';",
    'a.ts': "import * as all from './all.ts';\nexport const a = 1;\nexport const unused = a;",
    'all.ts': 'export const one = 1;',
    'alone.ts': "import { alone } from './alone.ts';\nexport const alone = 1;",
  });

  test('files that nobody imports', () => {
    expect(filesNobodyImports(files)).toEqual(['main.ts', 'alone.ts']);
  });

  test('exports that no other file imports, but for those of entries, and what is imported as a whole', () => {
    expect(exportsNobodyUses(files, [], [])).toEqual(['a.ts unused', 'alone.ts alone']);
    expect(exportsNobodyUses(files, [], ['alone.ts'])).toEqual(['a.ts unused']);
    const user = { path: 'script.mjs', text: "import { unused } from './a.ts';" };
    expect(exportsNobodyUses(files, [user], ['alone.ts'])).toEqual([]);
  });
});

describe('lines', () => {
  test('an export without a name, and an escape from the types', () => {
    const found = (text: string, pattern: RegExp): number =>
      linesWith([{ path: 'x.ts', text }], pattern).length;
    for (const text of ["export * from './x.ts';", 'export default 1;'])
      expect(found(text, exportWithoutName)).toBe(1);
    expect(found('export const defaultLimits = {};', exportWithoutName)).toBe(0);
    for (const text of ['const x: any = 1;', 'x as any;', 'Map<string, any>', '// @ts-ignore'])
      expect(found(text, escapeFromTypes)).toBe(1);
    expect(found('/** In any order: any of them. */', escapeFromTypes)).toBe(0);
  });

  test('a file is long from one line more on', () => {
    expect(longFiles(filesOf({ 'x.ts': 'a\n'.repeat(3), 'y.ts': 'a\n'.repeat(4) }), 3)).toEqual([
      'y.ts has 4 lines',
    ]);
  });

  test('the measure of functions sees declarations, methods and arrows, and no other blocks', () => {
    const body = Array.from({ length: 3 }, () => '  work();');
    const seen = (...head: string[]): number =>
      longFunctions([{ path: 'x.ts', text: [...head, ...body, '}'].join('\n') }], 4).length;
    expect(seen('export async function apply(batch: Batch): void {')).toBe(1);
    expect(seen('async push(body: string): Promise<void> {')).toBe(1);
    expect(seen('const apply = (batch: Batch): void => {')).toBe(1);
    expect(seen('function apply(', '  batch: Batch,', '): void {')).toBe(1);
    expect(seen('class State {')).toBe(0);
    expect(seen('export const table = {')).toBe(0);
    expect(seen('for (const row of rows) {')).toBe(0);
    expect(seen('if (', '  here &&', '  there', ') {')).toBe(0);
  });
});

describe('banned words', () => {
  const banned = [{ word: 'fresh cell', say: 'pending series' }];
  const found = (text: string, path = 'x.ts'): readonly string[] => bannedWordsIn(path, text, banned);

  test('they are found in prose, identifiers of all kinds and paths', () => {
    for (const text of [
      'of fresh cells',
      'class FreshCells {',
      'freshCell',
      'FRESH_CELL = 1',
      '#freshCells',
      'fresh-cells',
    ])
      expect(found(`one\n${text}`)).toEqual(['x.ts:2 has fresh cell; say pending series']);
    expect(found('', 'src/fresh-cells.ts')).toEqual([
      'src/fresh-cells.ts has fresh cell; say pending series',
    ]);
  });

  test('no part of another word counts', () => {
    for (const text of ['refresh cells', 'fresh cellar', 'cells that are fresh', 'freshness'])
      expect(found(text)).toEqual([]);
  });

  test('each line is told once', () => {
    expect(found('freshCells = new FreshCells()')).toHaveLength(1);
  });

  test('some are banned only where users read them', () => {
    const shown = [{ word: 'stands twice', say: 'appears twice', shown: true }] as const;
    const foundAt = (path: string, text: string): number => bannedWordsIn(path, text, shown).length;
    const source = 'packages/gateway/src/x.ts';
    expect(foundAt(source, "throw new Error('a label stands twice');")).toBe(1);
    expect(foundAt('docs/guides/x.md', 'A label stands twice.')).toBe(1);
    expect(foundAt(source, '/** Stands twice. */\nlet a; // stands twice\n/*\n * Stands twice.\n */')).toBe(
      0,
    );
    expect(foundAt('packages/gateway/test/x.test.ts', "'stands twice'")).toBe(0);
    expect(bannedWordsIn(source, "/**\n * Two\n */\n'stands twice'", shown)).toEqual([
      `${source}:4 has stands twice; say appears twice`,
    ]);
  });

  test('a file may have one, as long as it does', () => {
    const allowed = [{ word: 'fresh cell', say: 'pending series', except: { 'x.ts': 'a name of others' } }];
    expect(bannedWordsIn('x.ts', 'fresh cell', allowed)).toEqual([]);
    expect(bannedWordsIn('y.ts', 'fresh cell', allowed)).toHaveLength(1);
    expect(staleExceptions(new Map([['x.ts', 'fresh cell']]), allowed)).toEqual([]);
    expect(staleExceptions(new Map([['x.ts', 'other']]), allowed)).toEqual(['x.ts has no fresh cell']);
    expect(staleExceptions(new Map(), allowed)).toEqual(['x.ts has no fresh cell']);
  });
});
