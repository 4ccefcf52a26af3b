/**
 * The code base tests itself: which folder may import which, circles, what nobody uses, how long files and functions are, and words that
 * have no place here. What is allowed is in tidy/rules.ts. The measures are simple ones over formatted text; they are rules of thumb,
 * not a parser.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { repository } from './support/programs.ts';
import { circlesOfFiles, circlesOfLayers, layerOf, unknownLayers, upwardImports } from './tidy/layers.ts';
import {
  bannedTexts,
  bannedWords,
  circlesKnown,
  entries,
  exportsForNobody,
  exportsForTests,
  fileLinesMax,
  functionLinesMax,
  layers,
  orphansKnown,
  upwardImportsKnown,
} from './tidy/rules.ts';
import { escapeFromTypes, exportWithoutName, linesWith, longFiles, longFunctions } from './tidy/lines.ts';
import { importsOf } from './tidy/source-file.ts';
import type { SourceFile } from './tidy/source-file.ts';
import { exportsNobodyUses, filesNobodyImports } from './tidy/unused.ts';
import { bannedWordsIn, staleExceptions } from './tidy/words.ts';

const gateway = join(repository, 'packages/gateway');
const files = filesIn('src', '.ts');
const paths = new Set(files.map(({ path }) => path));

/** They run what was built; that is as if they lay beside the sources. */
const scripts = filesIn('scripts', '.mjs').map(({ path, text }) => ({
  path,
  text: text.replaceAll(/'\.\.\/dist\/([\w/.-]+)\.js'/g, "'./$1.ts'"),
}));
/** Only what they import of the program, as if they lay beside it as well. */
const tests = ['test', 'bench']
  .flatMap((folder) => filesIn(folder, '.ts'))
  .map(({ text }) => ({
    path: 'a test',
    text: text.replaceAll(/'\.{1,2}\/(?!(?:\.\.\/)*src\/)/g, "'own/").replaceAll(/'(?:\.\.\/)+src\//g, "'./"),
  }));

/** Written by others, and left as it is. */
const othersData = 'packages/gateway/test/conformance/data/';

function filesIn(folder: string, ending: string): readonly SourceFile[] {
  return readdirSync(join(gateway, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => ({ path, text: readFileSync(join(gateway, folder, path), 'utf8') }));
}

/** What is known must be there: an exception that is needed no more is to be deleted. */
function expectOnly(found: readonly string[], known: Readonly<Record<string, string>>): void {
  expect([...found].sort()).toEqual(Object.keys(known).sort());
}

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(10);
});

test('every folder of src is a known layer', () => {
  expect(unknownLayers(files, layers)).toEqual([]);
  expect(circlesOfLayers(layers)).toEqual([]);
});

test('imports go down', () => {
  const known = Object.keys(upwardImportsKnown).filter((each) => paths.has(each.split(' ')[0] ?? ''));
  expect([...upwardImports(files, layers)].sort()).toEqual(known.sort());
});

test('no files import each other in a circle', () => {
  const inOrder = (circles: readonly (readonly string[])[]): readonly string[] =>
    circles.map((circle) => [...circle].sort().join(', ')).sort();
  expect(inOrder(circlesOfFiles(files))).toEqual(inOrder(circlesKnown));
});

test('every file is imported', () => {
  expectOnly(
    filesNobodyImports(files).filter((path) => !entries.includes(path)),
    orphansKnown,
  );
});

test('every export is used in another file', () => {
  expectOnly(exportsNobodyUses(files, scripts, entries), { ...exportsForTests, ...exportsForNobody });
  expectOnly(exportsNobodyUses(files, [...scripts, ...tests], entries), exportsForNobody);
});

test('exposition and what holds the numbers have no dependency', () => {
  const depend = new Set(['.', 'config', 'journal', 'rules', 'cluster/engines']);
  const wrong = files
    .filter(({ path }) => !/^(?:gateway|http)\//.test(path) && !depend.has(layerOf(path, layers) ?? '.'))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ specifier, target }) => target === undefined && !specifier.startsWith('node:'))
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});

test('relative imports lead to files that are there', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => target !== undefined && !paths.has(target))
      .map(({ specifier }) => `${file.path} imports ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test('every export is named', () => {
  expect(linesWith(files, exportWithoutName)).toEqual([]);
});

test('no escape from the types', () => {
  expect(linesWith(files, escapeFromTypes)).toEqual([]);
});

test(`no file has more than ${fileLinesMax} lines`, () => {
  expect(longFiles(files, fileLinesMax)).toEqual([]);
});

test(`no function has more than ${functionLinesMax} lines`, () => {
  expect(longFunctions(files, functionLinesMax)).toEqual([]);
});

const repositoryFiles: ReadonlyMap<string, string> = new Map(
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && !path.startsWith(othersData) && isFile(join(repository, path)))
    .map((path) => [path, readFileSync(join(repository, path), 'utf8')]),
);

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

test('no file of the repository has a text that belongs to one machine', () => {
  const wrong = [...repositoryFiles].flatMap(([path, text]) =>
    bannedTexts.filter((each) => text.includes(each)).map((each) => `${path} has ${each}`),
  );
  expect(wrong).toEqual([]);
});

test('words are those of the glossary', () => {
  // Not what was said before, nor the words themselves.
  const texts = new Map(
    [...repositoryFiles].filter(
      ([path]) =>
        /\.(?:ts|mjs|md)$/.test(path) &&
        path !== 'CHANGELOG.md' &&
        !path.startsWith('packages/gateway/test/tidy/'),
    ),
  );
  expect([...texts].flatMap(([path, text]) => bannedWordsIn(path, text, bannedWords))).toEqual([]);
  expect(staleExceptions(texts, bannedWords)).toEqual([]);
});
