/** Laws of all options, which no row may break. What each kind reads is in test/config. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { environmentName, flags, options } from '../../src/config/flags.ts';
import { flagGroups } from '../../src/options/option.ts';
import { repository } from '../support/programs.ts';

const MEMORY_BYTES = 2 ** 30;

const rows = options.map((option) => [option.flag?.name ?? 'without a flag', option] as const);

test.each(rows)('%s: the default may be given', (_, { flag, defaultFor, parse, problemWith }) => {
  const value = defaultFor(MEMORY_BYTES);
  expect(problemWith(value)).toBeUndefined();
  if (flag !== undefined) expect(parse([flag.default], MEMORY_BYTES)).toEqual({ value });
});

describe('no two flags', () => {
  test.each([
    ['have one name or alias', flags.flatMap(({ name, alias = name }) => [...new Set([name, alias])])],
    ['have one name in the environment', flags.map((flag) => environmentName(flag))],
  ])('%s', (_, names) => expect(new Set(names).size).toBe(names.length));
});

test('every flag is in a group of the help', () => {
  expect(flags.filter(({ group }) => !Object.hasOwn(flagGroups, group))).toEqual([]);
});

test('flags that messages name are there', () => {
  const source = join(repository, 'packages/gateway/src');
  const known = new Set<string>(flags.map(({ name }) => name));
  const unknown = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const text = readFileSync(join(source, path), 'utf8');
      const names = [...text.matchAll(/--((?:job-|[a-z]+\.)[a-z.-]*[a-z])/g)].map(([, name = '']) => name);
      return names.filter((name) => !known.has(name)).map((name) => `${path} names --${name}`);
    });
  expect(unknown).toEqual([]);
});
