/** What is shown around a place in a body. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { excerptAt } from '../../src/primitives/excerpt.ts';

const at = (text: string, place: string) => {
  const body = Buffer.from(text);
  return excerptAt(body, body.indexOf(place));
};
/** From the place on. */
const shownAt = ({ text, column }: { text: string; column: number }): string =>
  Array.from(text)
    .slice(column - 1)
    .join('');

describe('an excerpt', () => {
  it('is the line, and the place in it', () => {
    expect(at('a 1\nb{x="ü"} ten\nc 2\n', 'ten')).toEqual({ text: 'b{x="ü"} ten', column: 10 });
    expect(at('# TYPE a counter\na x', 'x')).toEqual({ text: 'a x', column: 3 });
  });

  it('of the end of a line or of the body has nothing behind the place', () => {
    expect(excerptAt(Buffer.from('ab\ncd\n'), 2)).toEqual({ text: 'ab', column: 3 });
    expect(excerptAt(Buffer.from('ab\ncd'), 5)).toEqual({ text: 'cd', column: 3 });
    expect(excerptAt(Buffer.from(''), 0)).toEqual({ text: '', column: 1 });
  });

  it('is cut on both sides of a long line', () => {
    const long = at(`${'ä'.repeat(5_000)}X${'ö'.repeat(5_000)}`, 'X');
    expect(long).toEqual({ text: `…${'ä'.repeat(60)}X${'ö'.repeat(59)}…`, column: 62 });
  });

  it('has no token, nor a part of one', () => {
    const token = `pag_${'s3cr-t_'.repeat(7)}`;
    for (let before = 0; before < 130; before += 1) {
      const body = `{a="${token}"}${' '.repeat(before)}!${' '.repeat(130 - before)}x_${token} 1\n`;
      const excerpt = at(body, '!');
      expect(excerpt.text).not.toContain('s3cr');
      expect(shownAt(excerpt).startsWith('!')).toBe(true);
    }
    // The place is within it.
    expect(excerptAt(Buffer.from(`m ${token}\n`), 20).text).toBe(`m pag_***${'*'.repeat(token.length - 7)}`);
  });

  it('is bounded, and begins with the place, whatever the body is', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)),
      fc
        .string({ unit: fc.constantFrom('a', '\n', '😀', 'ß', '\r'), maxLength: 200 })
        .map((text) => Buffer.from(text)),
    );
    const bodies = fc
      .tuple(pieces, fc.integer({ min: 1, max: 20 }))
      .map(([piece, times]) => Buffer.concat(Array.from({ length: times }, () => piece)));
    fc.assert(
      fc.property(bodies, fc.nat(), (body, place) => {
        const offset = place % (body.length + 1);
        const excerpt = excerptAt(body, offset);
        const characters = Array.from(excerpt.text).length;
        expect(characters).toBeLessThanOrEqual(122);
        expect(excerpt.column).toBeGreaterThanOrEqual(1);
        expect(excerpt.column).toBeLessThanOrEqual(characters + 1);
        expect(excerpt.text).not.toContain('\n');
        const next = body[offset];
        if (next !== undefined && next < 0x80 && next !== 0x0a)
          expect(shownAt(excerpt).startsWith(String.fromCharCode(next))).toBe(true);
      }),
    );
  });
});
