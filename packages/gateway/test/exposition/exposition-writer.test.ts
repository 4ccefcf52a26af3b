import { expect, test } from 'vitest';

import { ExpositionWriter, SLICE_BYTES } from '../../src/exposition/exposition-writer.ts';

test('a page has what was written and nothing else, wherever its slices end', () => {
  // Lengths that have nothing in common with that of a slice, so that each kind of writing comes to the end of one.
  for (const length of [61, 997, 30_011, SLICE_BYTES + 1]) {
    const page = new ExpositionWriter();
    let expected = '';
    for (let i = 0; expected.length < 6 * SLICE_BYTES; i += 1) {
      const part = `${i}é`.padEnd(length - (i % 7), '.');
      expected += part;
      if (i % 2 === 0) page.text(part);
      else page.copy(Buffer.from(part));
    }
    page.flush();
    expect(Buffer.concat(page.slices).toString() === expected, `parts of ${length} characters`).toBe(true);
  }
});
