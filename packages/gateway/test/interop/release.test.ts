/** A dry run of a release: what it makes, and why it leaves out the rest. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

import { version } from '../../src/version.ts';
import { programFolder } from '../support/clients.ts';
import { repository, run } from '../support/programs.ts';
import type { Outcome } from '../support/programs.ts';
import { dependenciesOf, notesOf, parts } from '../support/release.ts';

const MAKE_MS = 1_200_000;
const out = join(programFolder(), 'release');
const assets = join(out, 'assets');
let outcome: Outcome;
beforeAll(async () => {
  outcome = await run(process.execPath, ['deploy/release/dry-run.mjs', '--out', out], {
    cwd: repository,
    timeoutMs: MAKE_MS,
  });
}, MAKE_MS);

test('each part is made, or left out for a reason that is printed', () => {
  console.log(outcome.stdout);
  expect([outcome.code, outcome.stderr]).toEqual([0, '']);
  for (const { name } of parts)
    expect(outcome.stdout).toMatch(new RegExp(`^(?:made|left out): ${name}: .`, 'm'));
  const made = [...outcome.stdout.matchAll(/^made: .*: (.*)$/gm)].map(([, file = '']) => file);
  expect(made).toEqual(
    expect.arrayContaining([
      `prom-aggregation-gateway-${version}.tgz`,
      `prom-aggregation-gateway-${version}-monitoring.tar.gz`,
      `prom-aggregation-gateway-${version}.cdx.json`,
      'RELEASE-NOTES.md',
    ]),
  );
  expect(readdirSync(assets).toSorted()).toEqual([...made, 'SHA256SUMS'].toSorted());
});

test('the sums are those of the files', async () => {
  const { code, stdout } = await run('sha256sum', ['--strict', '--check', 'SHA256SUMS'], { cwd: assets });
  expect([code, stdout.split('\n').length]).toEqual([0, readdirSync(assets).length]);
});

test('the notes are those of the changelog', () => {
  const changelog = readFileSync(join(repository, 'CHANGELOG.md'), 'utf8');
  const notes = readFileSync(join(assets, 'RELEASE-NOTES.md'), 'utf8');
  expect(notes.length).toBeGreaterThan(100);
  // A repository makes links of it that are complete.
  expect(notes.replaceAll(/\]\([^)]*\)/g, ']()')).toBe(
    notesOf(changelog, version).replaceAll(/\]\([^)]*\)/g, ']()'),
  );
});

test('the archive for monitoring has its files, of nobody', async () => {
  const archive = join(assets, `prom-aggregation-gateway-${version}-monitoring.tar.gz`);
  const { stdout } = await run('tar', ['--numeric-owner', '-tvf', archive]);
  const files = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/));
  expect(files.map((columns) => columns.at(-1))).toEqual(
    expect.arrayContaining(['monitoring/alerts.yaml', 'monitoring/dashboard.json', 'LICENSE']),
  );
  expect(new Set(files.map(([, owner]) => owner))).toEqual(new Set(['0/0']));
});

test('the bill of materials lists what users install, without a host that it was fetched from', () => {
  const text = readFileSync(join(assets, `prom-aggregation-gateway-${version}.cdx.json`), 'utf8');
  const bom = JSON.parse(text) as {
    bomFormat: string;
    metadata: { component: { name: string; version: string; purl: string } };
    components: readonly { name: string; version: string; licenses?: readonly object[] }[];
  };
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: {
      component: { name: 'prom-aggregation-gateway', purl: `pkg:npm/prom-aggregation-gateway@${version}` },
    },
  });
  const ofUsers = dependenciesOf(repository).filter(({ isDev }) => !isDev);
  expect(bom.components.map((each) => `${each.name}@${each.version}`).toSorted()).toEqual(
    ofUsers.map((each) => `${each.name}@${each.version}`).toSorted(),
  );
  expect(bom.components.filter(({ licenses }) => licenses === undefined)).toEqual([]);
  expect(text).not.toContain('"distribution"');
});
