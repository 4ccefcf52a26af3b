import fc from 'fast-check';

/**
 * Any text of whole code points, short ones more often. The unit `binary` of fast-check does the same, and takes a second to be made
 * for the first time.
 */
export const codePoint: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((code) => String.fromCodePoint(code));
