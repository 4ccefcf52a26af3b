import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { repository } from '../support/programs.ts';
import { dependenciesOf, licencesPage, refusedLicences } from '../support/release.ts';

const own = dependenciesOf(repository);

test('every dependency has a licence that is allowed', () => {
  expect(own.length).toBeGreaterThan(100);
  expect(refusedLicences(own)).toEqual([]);
});

test('the page of licences is up to date: npm run reference', () => {
  expect(readFileSync(join(repository, 'docs/reference/licences.md'), 'utf8')).toBe(licencesPage(own));
});

test('what users install must not have what is allowed for development, nor an unknown licence', () => {
  const dependency = { name: 'x', version: '1.0.0', license: 'MPL-2.0', isDev: true, isForPlatform: false };
  expect(
    refusedLicences([dependency, { ...dependency, license: '(GPL-3.0-only OR MIT)', isDev: false }]),
  ).toEqual([]);
  expect(
    refusedLicences([
      { ...dependency, isDev: false },
      { ...dependency, license: 'none' },
      { ...dependency, license: 'GPL-3.0-only' },
    ]),
  ).toEqual([
    'x 1.0.0 has the licence MPL-2.0, which is not allowed for what users install',
    'x 1.0.0 has the licence none, which is not allowed for what development needs',
    'x 1.0.0 has the licence GPL-3.0-only, which is not allowed for what development needs',
  ]);
});

test('the licence is that of the installed package, in each way to write it', () => {
  const root = temporaryFolder();
  const installed = (name: string, manifest: object): void => {
    mkdirSync(join(root, 'node_modules', name), { recursive: true });
    writeFileSync(join(root, 'node_modules', name, 'package.json'), JSON.stringify(manifest));
  };
  installed('a', { license: 'ISC' });
  installed('b', { license: { type: 'MIT' } });
  installed('c', { licenses: [{ type: 'MIT' }, { type: 'Apache-2.0' }] });
  installed('d', {});
  const entry = { version: '1.0.0', license: 'MIT' };
  const packages = {
    '': {},
    'packages/own': entry,
    'node_modules/own': { resolved: 'packages/own', link: true },
    'node_modules/a': entry,
    'node_modules/b': { version: '1.0.0' },
    'node_modules/c': { version: '1.0.0', dev: true },
    'node_modules/d': { version: '1.0.0', optionalDependencies: { 'd-windows': '1' } },
    'node_modules/a/node_modules/e': { ...entry, dev: true, optional: true, os: ['linux'] },
    'node_modules/d-windows': { version: '1.0.0' },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  expect(dependenciesOf(root).map(({ name, license }) => [name, license])).toEqual([
    ['a', 'ISC'],
    ['b', 'MIT'],
    ['c', 'MIT OR Apache-2.0'],
    ['d', 'none'],
    ['d-windows', 'none'],
    ['e', 'MIT'],
  ]);
});
