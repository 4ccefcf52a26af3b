/**
 * Upper and lower case as Go has them: letter by letter, each by the one letter that Unicode has for it. JavaScript knows letters that
 * become several (`ß`, `SS`), and some that depend on their neighbours (a last `Σ`).
 */

export function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapped(text, lowerLetter);
}

export function upperCase(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapped(text, upperLetter);
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function mapped(text: string, letterOf: (letter: string) => string): string {
  return Array.from(text, letterOf).join('');
}

function lowerLetter(letter: string): string {
  // It has a dot in JavaScript, which becomes a letter of its own.
  return letter === '\u0130' ? 'i' : onlyOne(letter.toLowerCase(), letter);
}

function upperLetter(letter: string): string {
  const upper = letter.toUpperCase();
  return onlyOne(upper, greekWithIota(letter.codePointAt(0)!) ?? letter);
}

/** A greek letter with an iota below it: the capital that has one, too. */
function greekWithIota(point: number): string | undefined {
  const isLower =
    (point >= 0x1f80 && point < 0x1fb0 && (point & 8) === 0) ||
    point === 0x1fb3 ||
    point === 0x1fc3 ||
    point === 0x1ff3;
  if (!isLower) return undefined;
  return String.fromCodePoint(point + (point < 0x1fb0 ? 8 : 9));
}

function onlyOne(letters: string, otherwise: string): string {
  return Array.from(letters).length === 1 ? letters : otherwise;
}
