import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { version, versionLine } from '../src/version.ts';

test('the version is that of package.json', () => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  expect(version).toBe((JSON.parse(text) as { version: string }).version);
});

test('in a clone the version is said without a commit', () => {
  expect(versionLine()).toBe(`prom-aggregation-gateway ${version} (Node ${process.version})`);
});
