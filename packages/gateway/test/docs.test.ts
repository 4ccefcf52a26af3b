/** What the pages under docs/ and the README say is there: files, headings, and the clients that ring two runs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

import { ownMetrics } from '../src/gateway/telemetry/own-metrics.ts';
import { clientPath } from './support/clients.ts';
import { repository } from './support/programs.ts';

const expositions = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'packages/gateway/README.md',
  'packages/client/README.md',
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const formats = read('docs/reference/formats.md');
const clients = formats.slice(formats.indexOf('\n## Clients\n'));

const fence = /^```\w+\n([\s\S]*?)^```$/gm;
const marked = /^<!-- (packages\/gateway\/test\/interop\/clients\/\S+) -->\n\n```\w+\n([\s\S]*?)^```$/gm;

/** As GitHub makes them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = page.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(headings);
}

test.each(expositions)('%s: every link leads somewhere', (page) => {
  const broken = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(
    ([, path = '', anchor]) => {
      const target = path === '' ? page : relative(repository, join(repository, dirname(page), path));
      if (!existsSync(join(repository, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).has(anchor);
    },
  );
  expect(broken.map(([link]) => link)).toEqual([]);
});

test('the table of what is stable has each page of the reference', () => {
  const table = read('docs/reference/stability.md');
  const pages = readdirSync(join(repository, 'docs/reference')).filter(
    (page) => page !== 'stability.md' && page !== 'licences.md',
  );
  expect(pages.length).toBeGreaterThan(5);
  expect(pages.filter((page) => !table.includes(`](${page})`))).toEqual([]);
});

test('the tests that SECURITY.md names are there', () => {
  const [, table = ''] = read('SECURITY.md').split('## What was tried');
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:what|-)/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const tests = row.slice(row.indexOf('[')).split(/\[[^\]]+\]\(([^)]+)\)/);
    expect(tests.length, row).toBeGreaterThan(2);
    for (let i = 1; i < tests.length; i += 2) {
      const names = [...tests[i + 1]!.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      expect(names, row).not.toEqual([]);
      for (const name of names) expect(read(tests[i]!), row).toContain(`'${name}'`);
    }
  }
});

test('the snippets of clients are the files that ring two runs', () => {
  const shown = [...clients.matchAll(marked)];
  for (const [, path = '', snippet] of shown) expect(snippet, path).toBe(read(path));
  const folder = dirname(clientPath('push.go'));
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const documented = files
    .map(({ name }) => name)
    .filter((name) => /localhost:9091|"localhost", "9091"/.test(readFileSync(clientPath(name), 'utf8')));
  expect(shown.map(([, path = '']) => path.slice(path.lastIndexOf('/') + 1)).toSorted()).toEqual(
    documented.toSorted(),
  );
});

test('snippets of clients that nothing runs are marked as such', () => {
  const sections = clients.split(/^### /m).slice(1);
  expect(sections.length).toBeGreaterThan(5);
  for (const section of sections) {
    const unmarked = [...section.matchAll(fence)].length - [...section.matchAll(marked)].length;
    const title = section.slice(0, section.indexOf('\n'));
    expect(unmarked > 0, title).toBe(section.includes('Not run here'));
  }
});

test.each(expositions)('%s: own metrics that are named in full are there', (page) => {
  const names = [...read(page).matchAll(/\bprom_aggregation_gateway_(\w+)/g)].map(([, name = '']) => name);
  const known = new Set<string>(Object.keys(ownMetrics));
  const unknown = names.filter((name) => !known.has(name.replace(/(?<=_seconds)_(?:bucket|sum|count)$/, '')));
  expect(unknown).toEqual([]);
});
