/** How messages and the log show what somebody sent. It may be of any length, and they must not be. */

/** Characters of the input that are shown. */
export const SHOWN_CHARS_MAX = 200;

/** The text, cut where it is long. */
export function shorten(text: string): string {
  if (text.length <= SHOWN_CHARS_MAX) return text;
  const last = text.charCodeAt(SHOWN_CHARS_MAX - 1);
  // Half of a pair would not be valid UTF-8.
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return `${text.slice(0, isHalf ? SHOWN_CHARS_MAX - 1 : SHOWN_CHARS_MAX)}…`;
}

/** The same in double quotes, with control characters escaped. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}
