/** How values are written on the command line: counts and paths. */
import type { Parsed } from '../primitives/duration.ts';

export function parseCount(text: string): Parsed<number> {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return { value };
  return { problem: `${JSON.stringify(text)} is not a whole number above 0` };
}

export function parsePath(text: string): Parsed<string> {
  if (/^\/[!-~]*$/.test(text) && !/[?#]|\/\//.test(text)) return { value: text };
  return {
    problem: `${JSON.stringify(text)} is not a path; it must begin with a slash, be ASCII and contain no spaces, "?", "#" or "//"`,
  };
}
