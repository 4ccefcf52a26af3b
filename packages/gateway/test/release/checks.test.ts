/** What a release is refused for. */
import { expect, test } from 'vitest';

import { repository } from '../support/programs.ts';
import { notReleasable, readFacts, wrongVersions } from '../support/release.ts';
import type { Facts } from '../support/release.ts';

const gateway = {
  folder: 'packages/gateway',
  name: 'prom-aggregation-gateway',
  version: '1.2.3',
  repositoryUrl: 'https://git.example/o/r',
};
const good: Facts = {
  tag: 'v1.2.3',
  packages: [gateway],
  chart: 'name: x\nversion: 1.2.3\nappVersion: "1.2.3"\n',
  images: [{ path: 'deploy/compose.yaml', tag: '1.2.3' }],
  changelog: '## Unreleased\n\n## 1.2.3 / 2027-01-31\n\n- [FEATURE] All.\n',
  changedFiles: '',
  stores: ['1', '1.2.2', '1.2.3'],
};

test('where all agrees nothing is refused', () => {
  expect([...wrongVersions(good), ...notReleasable(good)]).toEqual([]);
  expect(wrongVersions({ ...good, chart: undefined })).toEqual([]);
});

test.each<readonly [string, Partial<Facts>, RegExp]>([
  ['a tag without v', { tag: '1.2.3' }, /^the tag "1\.2\.3" is not "v" and a version/],
  ['a tag of no version', { tag: 'v1.2' }, /^the tag "v1\.2" is not/],
  [
    'another version of a package',
    { packages: [gateway, { ...gateway, name: 'client', version: '1.2.4' }] },
    /^client has version 1\.2\.4 in its package\.json, but the tag is v1\.2\.3$/,
  ],
  [
    'another version of the chart',
    { chart: 'version: 1.2.4\nappVersion: "1.2.3"\n' },
    /^Chart\.yaml has version 1\.2\.4, but/,
  ],
  [
    'a chart without the version of the gateway',
    { chart: 'version: 1.2.3\n' },
    /^Chart\.yaml has appVersion nowhere/,
  ],
  [
    'another image',
    { images: [...good.images, { path: 'deploy/kubernetes/statefulset.yaml', tag: '1.2.2' }] },
    /^deploy\/kubernetes\/statefulset\.yaml names the image of 1\.2\.2, but the tag is v1\.2\.3$/,
  ],
  [
    'a changelog without it',
    { changelog: '## Unreleased\n\n## 1.2.2 / 2027-01-30\n' },
    /^CHANGELOG\.md has no section "## 1\.2\.3 \/ <date>"/,
  ],
  ['no store of it', { stores: ['1', '1.2.2'] }, /^packages\/gateway\/test\/stores has no store of 1\.2\.3/],
])('refused everywhere: %s', (_, facts, problem) => {
  expect(wrongVersions({ ...good, ...facts })).toEqual([expect.stringMatching(problem)]);
});

test.each<readonly [string, Partial<Facts>, RegExp]>([
  [
    'a version without a date',
    { changelog: '## Unreleased\n\n## 1.2.3 / unreleased\n' },
    /^CHANGELOG\.md has no date for 1\.2\.3/,
  ],
  [
    'changes',
    { changedFiles: ' M README.md\n' },
    /^the work tree has changes that are not committed:\n M README\.md$/,
  ],
  [
    'an unset repository',
    { packages: [{ ...gateway, repositoryUrl: undefined }] },
    /^prom-aggregation-gateway names no repository.*npm pkg set -w packages\/gateway repository\.type=git/,
  ],
])('refused for a release, made by a dry run: %s', (_, facts, problem) => {
  expect(wrongVersions({ ...good, ...facts })).toEqual([]);
  expect(notReleasable({ ...good, ...facts })).toEqual([expect.stringMatching(problem)]);
});

test('the version of this clone is the same everywhere', () => {
  const { version } = readFacts(repository, 'v0.0.0').packages.find(
    ({ folder }) => folder === 'packages/gateway',
  )!;
  expect(wrongVersions(readFacts(repository, `v${version}`))).toEqual([]);
});
