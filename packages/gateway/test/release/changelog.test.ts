import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { repository } from '../support/programs.ts';
import { notesOf, versionsOf } from '../support/release.ts';

const changelog = `# Changelog

## Unreleased

- [FEATURE] Not yet.

## 1.1.0-rc.1 / unreleased

- [BUGFIX] Nearly.

## 1.0.0 / 2027-01-31

- [FEATURE] See [rules](docs/guides/rules.md#reload), [top](#top) and [elsewhere](https://example.com/a).
`;

test('versions with their dates, and no section that is not one', () => {
  expect(versionsOf(changelog).map(({ version, date }) => [version, date])).toEqual([
    ['1.1.0-rc.1', undefined],
    ['1.0.0', '2027-01-31'],
  ]);
});

test('notes are those of one version', () => {
  expect(notesOf(changelog, '1.1.0-rc.1')).toBe('- [BUGFIX] Nearly.\n');
  expect(() => notesOf(changelog, '1.1.0')).toThrow('no section "## 1.1.0 / <date>"');
});

test('links of notes lead to the files of the tag', () => {
  expect(notesOf(changelog, '1.0.0', 'https://git.example/o/r')).toBe(
    '- [FEATURE] See [rules](https://git.example/o/r/blob/v1.0.0/docs/guides/rules.md#reload), [top](#top) and [elsewhere](https://example.com/a).\n',
  );
  expect(notesOf(changelog, '1.0.0')).toContain('(docs/guides/rules.md#reload)');
});

test.each(['## 1.0 / 2027-01-31', '## v1.0.0 / 2027-01-31', '## 1.0.0 / soon', '## 1.0.0', '## Other'])(
  'a heading "%s" is an error',
  (heading) => {
    expect(() => versionsOf(`# Changelog\n\n${heading}\n`)).toThrow(/^CHANGELOG\.md: /);
  },
);

const own = readFileSync(join(repository, 'CHANGELOG.md'), 'utf8');
const tags = ['CHANGE', 'FEATURE', 'ENHANCEMENT', 'BUGFIX', 'SECURITY'];

test('of the changelog, Unreleased comes first', () => {
  expect(/^## .*/m.exec(own)?.[0]).toBe('## Unreleased');
});

test.each(versionsOf(own))('of the changelog, $version has lines with tags, in their order', ({ body }) => {
  const groups = body.split(/^### .*$/m);
  for (const [i, group] of groups.entries()) {
    // Before the first heading a sentence may say what the version is.
    const lines = group.split('\n').filter((line) => (i === 0 ? line.startsWith('- ') : line !== ''));
    const found = lines.map((line) => tags.indexOf(/^- \[([A-Z]+)\] \S/.exec(line)?.[1] ?? ''));
    expect(found.indexOf(-1), lines[found.indexOf(-1)]).toBe(-1);
    expect(found, group).toEqual(found.toSorted((a, b) => a - b));
  }
  const lines = body.split('\n').filter((line) => line.startsWith('- '));
  expect(lines.length).toBeGreaterThan(0);
  expect(new Set(lines).size).toBe(lines.length);
});
