/** The lines of Node are said in .ci/node-lines; all that names one agrees with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { nodeLines } from '../support/node-lines.ts';
import { repository } from '../support/programs.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const oldest = nodeLines[0]!;

const packages = readdirSync(join(repository, 'packages')).map((name) => `packages/${name}/package.json`);

test('lines are even numbers, growing', () => {
  expect(nodeLines.length).toBeGreaterThan(1);
  expect(nodeLines).toEqual(
    [...new Set(nodeLines)].filter((line) => line % 2 === 0).toSorted((a, b) => a - b),
  );
});

test.each(['package.json', ...packages])('%s takes the oldest line', (path) => {
  const { engines } = JSON.parse(read(path)) as { engines?: { node?: string } };
  // A package for browsers may say nothing of Node.
  if (path === 'package.json' || path === 'packages/gateway/package.json' || engines?.node !== undefined)
    expect(engines?.node).toBe(`>=${oldest}`);
});

test('CI runs on each line, and ring one on all others', () => {
  const { jobs } = parse(read('.github/workflows/ci.yml')) as {
    jobs: { run: { strategy: { matrix: { node: readonly number[] } } } };
  };
  expect(jobs.run.strategy.matrix.node).toEqual(nodeLines);
  expect(read('.ci/run')).toContain('for line in $(cat .ci/node-lines); do');
  expect(read('.ci/run')).toContain(`Needs Node ${oldest} or later`);
});

test('what the compiler and updates of dependencies take for Node is the oldest line', () => {
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
  expect(devDependencies['@types/node']).toMatch(new RegExp(`^\\^${oldest}\\.`));
  const renovate = JSON.parse(read('renovate.json')) as {
    constraints: { node: string };
    packageRules: readonly { matchPackageNames?: readonly string[]; allowedVersions?: string }[];
  };
  expect(renovate.constraints.node).toMatch(new RegExp(`^>=${oldest}\\.\\d+ <${oldest + 1}$`));
  const allowed = (name: string): string | undefined =>
    renovate.packageRules.find((rule) => rule.matchPackageNames?.includes(name) && rule.allowedVersions)
      ?.allowedVersions;
  expect(allowed('@types/node')).toBe(`<${oldest + 1}`);
  expect(allowed('vitest')).toBe('<5');
  expect(devDependencies['vitest']).toMatch(/^~4\./);
});

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'packages/gateway/README.md',
  'docs/guides/getting-started.md',
  'docs/guides/embedding.md',
])('%s says which Node is needed', (path) => {
  const said = [...read(path).matchAll(/\bNode(?: server \(|\s)(\d+) or (?:newer|later)/g)].map(([, line]) =>
    Number(line),
  );
  expect(said.length).toBeGreaterThan(0);
  expect(new Set(said)).toEqual(new Set([oldest]));
});

test.each(['packages/gateway/src/main.ts', 'packages/gateway/scripts/prestart.mjs'])(
  '%s refuses older ones',
  (path) => {
    expect(read(path)).toMatch(new RegExp(`\\bNODE_MAJOR_MIN = ${oldest}\\b`));
  },
);
