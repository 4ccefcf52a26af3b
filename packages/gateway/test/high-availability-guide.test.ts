/** The table of failures in docs/guides/high-availability.md: each has a test, and each of those tests has a row. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

import { repository } from './support/programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/high-availability.md'), 'utf8');
const folder = join(repository, 'packages/gateway/test/interop/cluster');
const files = readdirSync(folder).filter((name) => /^pair.*\.test\.ts$/.test(name));
/** `file: name`, and the parameters of each name. */
const tests = files.flatMap((file) => namesIn(file, readFileSync(join(folder, file), 'utf8')));

/** What Prometheus sees is in a column, not in a row. */
const ofNoRow = ['pair-prometheus.test.ts'];

function namesIn(file: string, text: string): readonly string[] {
  const plain = [...text.matchAll(/^ {2}test\(\n?\s*'([^']+)'/gm)];
  const conditional = [...text.matchAll(/^ {2}test\.skipIf\([^\n]*\)\(\n?\s*`([^`$]+?) ?(?:\$\{\w+\})?`/gm)];
  const each = [...text.matchAll(/^ {2}test\.each\(\[\n([^]*?)^ {2}\]\)\(\s*'([^']+)'/gm)].flatMap(
    ([, rows = '', name = '']) =>
      name === '%s' ? [...rows.matchAll(/^ {4}\[\s*'([^']+)'/gm)].map(([, row = '']) => row) : [name],
  );
  return [...[...plain, ...conditional].map(([, name = '']) => name), ...each].map(
    (name) => `${file}: ${name}`,
  );
}

test('each failure in the guide has a test, and each test a failure', () => {
  const [, section = ''] = /^## Failures\n([^]*)/m.exec(guide) ?? [];
  const rows = section.split('\n').filter((line) => /^\| (?!what breaks|-)/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  const named = rows.map((row) => {
    const [, path = '', name = ''] = /\[test\]\(([^)]+)\) `([^`]+)`\s*\|$/.exec(row) ?? [];
    return `${basename(path)}: ${name}`;
  });
  expect(named.toSorted()).toEqual(tests.filter((each) => !ofNoRow.includes(each.split(':')[0]!)).toSorted());
});
