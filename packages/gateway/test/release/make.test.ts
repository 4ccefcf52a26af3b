/** How parts of a release come into one folder, and what its lists have. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { repository } from '../support/programs.ts';
import { dependenciesOf, makeRelease, reproducible, sbomOf } from '../support/release.ts';
import type { Part } from '../support/release.ts';

const writes = (name: string, files: readonly string[]): Part => ({
  name,
  make: ({ folder, version }) => {
    for (const file of files) writeFileSync(join(folder, file), `${name} ${version}`);
    return undefined;
  },
});
const make = (out: string, parts: readonly Part[]): ReturnType<typeof makeRelease> =>
  makeRelease({ root: repository, out, version: '1.2.3', parts });

test('files of all parts are in one folder, with their sums', () => {
  const out = join(temporaryFolder(), 'out');
  const withFolder: Part = {
    name: 'b b',
    make: (context) => {
      mkdirSync(join(context.folder, 'layout'));
      return writes('b b', ['2', '1', 'SHA256SUMS']).make(context);
    },
  };
  const results = make(out, [writes('a', ['3']), withFolder, { name: 'c', make: () => 'there is no c' }]);
  expect(results).toEqual([
    { name: 'a', files: ['3'] },
    { name: 'b b', files: ['1', '2'] },
    { name: 'c', files: [], leftOut: 'there is no c' },
  ]);
  expect(readdirSync(join(out, 'assets')).toSorted()).toEqual(['1', '2', '3', 'SHA256SUMS']);
  const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');
  expect(readFileSync(join(out, 'assets/SHA256SUMS'), 'utf8')).toBe(
    `${sumOf('b b 1.2.3')}  1\n${sumOf('b b 1.2.3')}  2\n${sumOf('a 1.2.3')}  3\n`,
  );
});

test('a part that fails, makes nothing, or makes what another has made is said to have failed; the others are made', () => {
  const fails: Part = {
    name: 'fails',
    make: () => {
      throw new Error('no compiler');
    },
  };
  const results = make(join(temporaryFolder(), 'out'), [
    writes('a', ['1']),
    fails,
    writes('empty', []),
    writes('again', ['1']),
    writes('last', ['2']),
  ]);
  expect(results.map(({ name, failed }) => [name, failed])).toEqual([
    ['a', undefined],
    ['fails', 'no compiler'],
    ['empty', 'it made no file'],
    ['again', 'two parts make a file 1'],
    ['last', undefined],
  ]);
});

test('a folder with something in it is refused', () => {
  const out = temporaryFolder();
  writeFileSync(join(out, 'old'), '');
  expect(() => make(out, [])).toThrow(`${out} is not empty`);
});

test('the bill of materials has what users install, also what development needs as well', () => {
  const component = (name: string): object => ({
    'bom-ref': `${name}@1`,
    name: name === 'own' ? 'folder' : name,
  });
  const depends = (name: string, ...on: readonly string[]): object => ({
    ref: `${name}@1`,
    dependsOn: on.map((each) => `${each}@1`),
  });
  const bom = {
    bomFormat: 'CycloneDX',
    metadata: { timestamp: 'now', component: component('workspace') },
    components: ['own', 'direct', 'indirect', 'tests', 'shared', 'only-tests'].map(component),
    dependencies: [
      depends('workspace'),
      depends('own', 'direct', 'tests'),
      depends('direct', 'indirect', 'shared'),
      depends('indirect', 'direct'),
      depends('tests', 'shared', 'only-tests'),
      depends('shared'),
      depends('only-tests'),
    ],
  };
  const manifest = { name: 'own', version: '1', dependencies: { direct: '^1' } };
  expect(sbomOf(bom, manifest)).toEqual({
    bomFormat: 'CycloneDX',
    metadata: { timestamp: 'now', component: { 'bom-ref': 'own@1', name: 'own' } },
    components: ['direct', 'indirect', 'shared'].map(component),
    dependencies: [
      depends('own', 'direct'),
      depends('direct', 'indirect', 'shared'),
      depends('indirect', 'direct'),
      depends('shared'),
    ],
  });
  const { components, dependencies } = sbomOf(bom, manifest, { 'only-tests': '^1' });
  expect(components).toEqual(['direct', 'indirect', 'shared', 'only-tests'].map(component));
  expect(dependencies[0]).toEqual(depends('own', 'direct', 'only-tests'));
  expect(() => sbomOf(bom, manifest, { gone: '^1' })).toThrow(
    'npm sbom does not list gone, which is built into own',
  );
  expect(() => sbomOf(bom, { ...manifest, version: '2' })).toThrow('npm sbom lists no component own@2');
  expect(() => sbomOf(bom, { ...manifest, dependencies: { direct: '^1', gone: '^1' } })).toThrow(
    'npm sbom lists 1 of 2 dependencies of own',
  );
});

test('the same bill of the same commit has the same number and time, another one has another number', () => {
  const bom = { serialNumber: 'urn:uuid:1', metadata: { timestamp: 'now' }, components: [1] };
  const made = reproducible(bom, 1_800_000_000);
  expect(made.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(made).toEqual({
    ...bom,
    serialNumber: made.serialNumber,
    metadata: { timestamp: '2027-01-15T08:00:00.000Z' },
  });
  const again = { ...bom, serialNumber: 'urn:uuid:2', metadata: { timestamp: 'later' } };
  expect(reproducible(again, 1_800_000_000)).toEqual(made);
  expect(reproducible({ ...bom, components: [2] }, 1_800_000_000).serialNumber).not.toBe(made.serialNumber);
});

test('the lock file has something that users install, and something that only development needs', () => {
  const names = (isDev: boolean): readonly string[] =>
    dependenciesOf(repository)
      .filter((each) => each.isDev === isDev)
      .map(({ name }) => name);
  expect(names(false)).toEqual(expect.arrayContaining(['pino', '@opentelemetry/api']));
  expect(names(true)).toEqual(expect.arrayContaining(['vitest', 'typescript']));
});
