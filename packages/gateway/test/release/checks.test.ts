/** What a release is refused for. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
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
  names: [{ path: 'deploy/compose.yaml', version: '1.2.3' }],
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
    'another version in a manifest',
    { names: [...good.names, { path: 'deploy/kubernetes/statefulset.yaml', version: '1.2.2' }] },
    /^deploy\/kubernetes\/statefulset\.yaml names an artefact of 1\.2\.2, but the tag is v1\.2\.3$/,
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

test('what manifests and guides name is read', () => {
  const root = temporaryFolder();
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('CHANGELOG.md', '');
  write('packages/gateway/test/stores/1/page.txt', '');
  write('deploy/kubernetes/a.yaml', 'image: registry.example/prom-aggregation-gateway:1.2.3-rc.1\n');
  write('deploy/image/other.mjs', 'prom-aggregation-gateway:9.9.9');
  write(
    'docs/guides/a.md',
    'prom-aggregation-gateway-1.2.3-linux-x64.tar.gz, oci:layout:1.2.4, Node 20.19.0',
  );
  expect(readFacts(root, 'v1.2.3').names).toEqual([
    { path: 'deploy/kubernetes/a.yaml', version: '1.2.3-rc.1' },
    { path: 'docs/guides/a.md', version: '1.2.3' },
    { path: 'docs/guides/a.md', version: '1.2.4' },
  ]);
});

test('the version of this clone is the same everywhere', () => {
  const { version } = readFacts(repository, 'v0.0.0').packages.find(
    ({ folder }) => folder === 'packages/gateway',
  )!;
  expect(wrongVersions(readFacts(repository, `v${version}`))).toEqual([]);
});
