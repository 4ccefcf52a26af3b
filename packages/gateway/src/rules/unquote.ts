/** String literals of PromQL: in double or single quotes with the escapes of Go, or in backquotes, where nothing is escaped. */

const simple: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** What a literal stands for; undefined where an escape is wrong. */
export function unquotePromQL(literal: string): string | undefined {
  const quote = literal[0]!;
  const inner = literal.slice(1, -1);
  if (quote === '`') return inner;
  if (inner.includes('\n')) return undefined;
  if (!inner.includes('\\')) return inner;
  // Octal and hexadecimal escapes are bytes of UTF-8, others are characters.
  const parts: Buffer[] = [];
  const escape = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))|[^\\]+|\\/g;
  for (const [whole, hex, octal, short, long, char] of inner.matchAll(escape)) {
    if (whole[0] !== '\\') parts.push(Buffer.from(whole));
    else if (hex !== undefined) parts.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) {
      const byte = Number.parseInt(octal, 8);
      if (byte > 255) return undefined;
      parts.push(Buffer.of(byte));
    } else if (short !== undefined || long !== undefined) {
      const point = Number.parseInt((short ?? long)!, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(point)));
    } else {
      const meant = char === undefined ? undefined : simple[char];
      if (meant === undefined || ((char === "'" || char === '"') && char !== quote)) return undefined;
      parts.push(Buffer.from(meant));
    }
  }
  return Buffer.concat(parts).toString('utf8');
}
