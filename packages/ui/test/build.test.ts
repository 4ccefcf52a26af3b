/** What is built: its weight, and that there is nothing in it that a text of a push could run by. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const built = fileURLToPath(new URL('../../gateway/dist/page/', import.meta.url));
const sources = fileURLToPath(new URL('../src/', import.meta.url));
const WEIGHT_MAX = 100_000;

const sizeOf = (name: string): number => statSync(join(built, name)).size;
const names = Object.keys(JSON.parse(readFileSync(join(built, 'files.json'), 'utf8')) as object);

test('all of it weighs less than 100 kB over the wire', () => {
  const weigh = (ending: string): number =>
    names.reduce((sum, name) => sum + sizeOf(name + ending), sizeOf('index.html'));
  console.log(`the page: ${weigh('.gz')} bytes with gzip, ${weigh('.br')} with br`);
  expect(weigh('.gz')).toBeLessThan(WEIGHT_MAX);
  expect(weigh('.br')).toBeLessThan(WEIGHT_MAX);
});

test('each file has its hash in its name, and is there compressed', () => {
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    expect(name).toMatch(/^[\w.]+-[\w-]{8}\.(?:js|css|svg|txt)$/);
    expect(sizeOf(`${name}.gz`)).toBeGreaterThan(0);
    expect(sizeOf(`${name}.br`)).toBeGreaterThan(0);
  }
});

test('no host but the own is named', () => {
  for (const name of names.filter((each) => /\.(?:js|css)$/.test(each))) {
    const text = readFileSync(join(built, name), 'utf8');
    const urls = [...text.matchAll(/(?:https?|wss?):\/\/[^\s"'`\\)]+/g)].map(([url]) => url);
    // Names of namespaces, which nobody asks for.
    expect(urls.filter((url) => !url.startsWith('http://www.w3.org/'))).toEqual([]);
  }
});

test('nothing makes markup or code of a text', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.tsx?$/.test(path),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const path of files) {
    const text = readFileSync(join(sources, path), 'utf8');
    expect(text, path).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|javascript:/i,
    );
  }
});

test('the licenses of what is in it go along', () => {
  const licenses = readFileSync(
    join(
      built,
      names.find((name) => name.startsWith('licenses-'))!,
    ),
    'utf8',
  );
  expect(licenses).toMatch(/^preact /m);
  expect(licenses).toMatch(/^uplot /m);
  expect(licenses).toContain('Permission is hereby granted');
});
