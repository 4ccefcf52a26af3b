/** What the commands of deploy/release print and exit with where they refuse. Ring two makes what they make. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { version } from '../../src/version.ts';
import { temporaryFolder } from '../support/folders.ts';
import { repository, run } from '../support/programs.ts';
import type { Outcome } from '../support/programs.ts';

const command = (script: string, args: readonly string[]): Promise<Outcome> =>
  run(process.execPath, [join(repository, 'deploy/release', script), ...args], { timeoutMs: 300_000 });

test.each([
  ['dry-run.mjs', [], '--out is missing'],
  ['dry-run.mjs', ['--out', 'x', '--tag', 'v1.0.0'], "Unknown option '--tag'"],
  ['build.mjs', ['--out', 'x'], '--tag is missing'],
])('%s %j', async (script, args, problem) => {
  const { code, stdout, stderr } = await command(script, args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(problem);
  expect(stderr).toContain(`\nusage: node deploy/release/${script} --out …`);
});

test('a dry run of another version is refused', async () => {
  const out = join(temporaryFolder(), 'out');
  const { code, stderr } = await command('dry-run.mjs', ['--out', out, '--version', '99.0.0']);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `refused: prom-aggregation-gateway has version ${version} in its package.json, but`,
  );
  expect(stderr).toContain('refused: CHANGELOG.md has no section "## 99.0.0 / <date>"');
  expect(stderr).toContain('refused: packages/gateway/test/stores has no store of 99.0.0');
  expect(existsSync(out)).toBe(false);
});

test('a release from another tag is refused', async () => {
  const out = join(temporaryFolder(), 'out');
  const { code, stderr } = await command('build.mjs', ['--out', out, '--tag', `release-${version}`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^refused: the tag "release-[^"]*" is not "v" and a version/);
  expect(existsSync(out)).toBe(false);
});
