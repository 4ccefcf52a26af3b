/** The reference pages list what the code has: no row more, none fewer. */
import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { negotiate } from '../../src/http/replies/accept.ts';
import { routeTable } from '../../src/http/routes/routes.ts';
import { errorTable } from '../../src/model/errors.ts';

/** Rows of the first table below a heading, accumulators without backquotes. */
function tableRows(file: string, heading: string): string[][] {
  const text = readFileSync(new URL(`../../../../docs/reference/${file}`, import.meta.url), 'utf8');
  const section = text.slice(text.indexOf(heading));
  const lines = section.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  return lines.slice(start + 2, start + length).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((accumulator) => accumulator.replaceAll('`', '').trim()),
  );
}

it('http.md lists the routes', () => {
  const documented = tableRows('http.md', '## Routes').map(([place, methods]) => `${place}: ${methods}`);
  const routes = routeTable.map((route) => `${route.place}: ${route.methods.join(', ')}`);
  expect(documented).toEqual(routes);
});

it('errors.md lists the errors', () => {
  const documented = tableRows('errors.md', '## Codes').map((accumulators) => accumulators.slice(0, 3));
  const errors = Object.entries(errorTable).map(([code, row]) => [code, String(row.status), row.title]);
  expect(documented).toEqual(errors);
  for (const row of tableRows('errors.md', '## Codes')) expect(row[3], row[0]).not.toBe('');
});

it('http.md says what each clause of Accept is answered with', () => {
  const rows = tableRows('http.md', '## Formats of the exposition');
  expect(rows).toHaveLength(6);
  for (const [clauses = '', , contentType] of rows) {
    const accept = clauses.split(/, | or /)[0]!;
    expect(negotiate(accept).contentType, accept).toBe(contentType);
  }
});
