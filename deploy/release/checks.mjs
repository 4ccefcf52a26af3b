// What must be so before a version is released. Each problem says what is wrong and what to do.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { versionPattern, versionsOf } from './changelog.mjs';

/**
 * @typedef {object} Facts
 * @property {string} tag
 * @property {readonly { name: string, version: string, repositoryUrl: string | undefined }[]} packages
 * @property {string | undefined} chart what Chart.yaml has, if there is a chart
 * @property {readonly { path: string, version: string }[]} names what manifests and guides name artefacts of
 * @property {string} changelog
 * @property {string} changedFiles as `git status --porcelain` lists them
 * @property {readonly string[]} stores versions of which there is a store
 */

/**
 * @param {string} root
 * @param {string} tag
 * @returns {Facts}
 */
export function readFacts(root, tag) {
  const chartPath = join(root, 'deploy/helm/prom-aggregation-gateway/Chart.yaml');
  return {
    tag,
    packages: publishedPackages(root),
    chart: existsSync(chartPath) ? readFileSync(chartPath, 'utf8') : undefined,
    names: namedVersions(root),
    changelog: readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
    changedFiles: changedFilesOf(root),
    stores: readdirSync(join(root, 'packages/gateway/test/stores')),
  };
}

/** Of images, archives and packages. What else a number may follow is not known, so `1.2.3-linux-x64` names 1.2.3. */
const named = /(?:prom-aggregation-gateway[:-]|\blayout:)(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?)/g;

function namedVersions(root) {
  return ['deploy', 'docs']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(?:ya?ml|md|service)$/.test(path))
    .flatMap((path) => {
      const versions = [...readFileSync(join(root, path), 'utf8').matchAll(named)].map(
        ([, version]) => version,
      );
      return [...new Set(versions)].map((version) => ({ path, version }));
    });
}

function changedFilesOf(root) {
  const { status, stdout, stderr, error } = spawnSync('git', ['status', '--porcelain'], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout : `git cannot say: ${error?.message ?? stderr}`;
}

/**
 * The packages that go to the registry.
 *
 * @param {string} root
 */
export function publishedPackages(root) {
  return readdirSync(join(root, 'packages')).flatMap((folder) => {
    const path = join(root, 'packages', folder, 'package.json');
    if (!existsSync(path)) return [];
    const { name, version, repository, private: isPrivate } = JSON.parse(readFileSync(path, 'utf8'));
    if (isPrivate) return [];
    return [{ folder: `packages/${folder}`, name, version, repositoryUrl: webUrl(repository?.url) }];
  });
}

/** As a browser opens it. */
function webUrl(url) {
  return url === undefined ? undefined : url.replace(/^git\+/, '').replace(/\.git$/, '');
}

/**
 * What would make wrong artefacts, wherever they are made.
 *
 * @param {Facts} facts
 * @returns {readonly string[]}
 */
export function wrongVersions({ tag, packages, chart, names, changelog, stores }) {
  const version = tag.replace(/^v/, '');
  if (!tag.startsWith('v') || !versionPattern.test(version)) {
    return [
      `the tag "${tag}" is not "v" and a version as in semantic versioning, such as v1.2.3 or v1.2.3-rc.1`,
    ];
  }
  const problems = packages
    .filter((each) => each.version !== version)
    .map((each) => `${each.name} has version ${each.version} in its package.json, but the tag is ${tag}`);
  for (const key of chart === undefined ? [] : ['version', 'appVersion']) {
    const found = new RegExp(`^${key}: *['"]?([^'"\\s]*)`, 'm').exec(chart)?.[1];
    if (found !== version)
      problems.push(`Chart.yaml has ${key} ${found ?? 'nowhere'}, but the tag is ${tag}`);
  }
  for (const each of names.filter((name) => name.version !== version)) {
    problems.push(`${each.path} names an artefact of ${each.version}, but the tag is ${tag}`);
  }
  const released = versionsOf(changelog);
  if (!released.some((each) => each.version === version)) {
    problems.push(
      `CHANGELOG.md has no section "## ${version} / <date>"; move there what is under Unreleased`,
    );
  }
  if (!stores.includes(version)) {
    problems.push(
      `packages/gateway/test/stores has no store of ${version}; run node packages/gateway/scripts/write-store.mjs`,
    );
  }
  return problems;
}

/**
 * What artefacts can be made in spite of, to try it, but not released.
 *
 * @param {Facts} facts
 * @returns {readonly string[]}
 */
export function notReleasable({ tag, packages, changelog, changedFiles }) {
  const problems = [];
  const section = versionsOf(changelog).find(({ version }) => `v${version}` === tag);
  if (section !== undefined && section.date === undefined) {
    problems.push(`CHANGELOG.md has no date for ${section.version}: write it in place of "unreleased"`);
  }
  if (changedFiles !== '') {
    problems.push(`the work tree has changes that are not committed:\n${changedFiles.trimEnd()}`);
  }
  for (const { folder, name, repositoryUrl } of packages) {
    if (repositoryUrl !== undefined) continue;
    problems.push(
      `${name} names no repository, which provenance is compared with: npm pkg set -w ${folder} ` +
        `repository.type=git repository.directory=${folder} repository.url=git+https://<host>/<owner>/<name>.git`,
    );
  }
  return problems;
}
