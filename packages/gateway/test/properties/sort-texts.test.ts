/** The order of rows, against a plain sort by the same rule: by bytes, but `}` first. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ByteTable } from '../../src/primitives/byte-table.ts';
import { viewOf } from '../../src/primitives/bytes.ts';
import { mergeTexts, sortTexts } from '../../src/read/sort-texts.ts';

/** Values that begin alike for zero to a few hundred bytes, and end at any distance from a multiple of four. */
const value = fc
  .tuple(
    fc.constantFrom('', 'a', 'ab', 'abc', 'node-', 'x'.repeat(61), 'x'.repeat(64), 'x'.repeat(300)),
    fc.string({ unit: fc.constantFrom('a', 'b', '}', '{', ' ', '~', 'é', '\u{10ffff}'), maxLength: 12 }),
  )
  .map((parts) => parts.join(''));

const series = fc
  .record({ name: fc.constantFrom('m_total', 'm'), code: fc.nat(9), value })
  .map(({ name, code, value: host }) => (host === '' ? name : `${name}{code="${code}",host="${host}"}`));

function plainOrder(texts: readonly string[]): string[] {
  const key = (text: string): Buffer =>
    Buffer.from(Buffer.from(text).map((byte) => (byte === 0x7d ? 0 : byte)));
  return texts.toSorted((a, b) => Buffer.compare(key(a), key(b)));
}

function tableOf(texts: readonly string[]): { readonly table: ByteTable; readonly entries: Uint32Array } {
  const table = new ByteTable(7);
  const entries = texts.map((text) => {
    const bytes = Buffer.from(text);
    const view = viewOf(bytes);
    return table.insert(view, 0, bytes.length, table.hash(view, 0, bytes.length));
  });
  return { table, entries: Uint32Array.from(entries) };
}

function checkOrder(texts: readonly string[], known: number): void {
  const { table, entries } = tableOf(texts);
  const [old, added] = [entries.slice(0, known), entries.slice(known)];
  for (const part of [old, added]) for (const _ of sortTexts(table, part));
  const merging = mergeTexts(table, old, added);
  let step = merging.next();
  while (step.done !== true) step = merging.next();
  expect(Array.from(step.value, (entry) => table.textOf(entry))).toEqual(plainOrder(texts));
}

test('rows are sorted and merged as by a plain sort', () => {
  fc.assert(
    fc.property(fc.uniqueArray(series, { maxLength: 200 }), fc.nat(200), (texts, known) =>
      checkOrder(texts, Math.min(known, texts.length)),
    ),
  );
});

test.each([4_096, 4_097, 20_000])('so are %i rows, which take several steps', (rows) => {
  const texts = Array.from(
    { length: rows },
    (_, i) => `m_total{code="${i % 10}",host="${'x'.repeat(i % 7 === 0 ? 70 : 3)}${i}"}`,
  );
  checkOrder(texts, 100);
});
