/** Many patterns at once: which of them match a value is found in one pass over it, so that it hardly matters how many there are. */
import { RE2JS, RE2Set } from 're2js';

import { literalPrefix } from './pattern.ts';
import type { Matcher } from './selector.ts';

/** Fewer patterns are looked at one by one, rather than as a set. */
export const AT_ONCE_MIN = 8;
/** Compiled together, a few milliseconds of work: so many, and so many characters. */
const TOGETHER = 100;
const CHARS_TOGETHER = 2048;
/** As how many characters one with a repetition counts, which is written out when it is compiled. */
const REPEATED_CHARS = 64;
/** Values of which each is looked at by patterns alone before the next of them are compiled together. */
const VALUES_ALONE = 64;
/** A pass may take as long as so many patterns alone, where values are such that little can be remembered of them. */
const PASS_LOOKS = 16;
/** Of what is remembered of values seen. */
const BYTES_MAX = 1 << 20;

/** A regular expression that compiles (see Pattern), and what can be asked of it alone. */
type OnePattern = Pick<Matcher, 'value' | 'matches'>;

export class PatternSet {
  readonly #parts: readonly Part[];
  /** Parts that are not compiled yet. */
  #left: number;
  #values = 0;

  constructor(patterns: readonly OnePattern[]) {
    const parts: Part[] = [];
    let from = 0;
    let chars = 0;
    for (const [place, { value }] of patterns.entries()) {
      const more = value.includes('{') ? Math.max(REPEATED_CHARS, value.length) : value.length;
      if (place > from && (place - from === TOGETHER || chars + more > CHARS_TOGETHER)) {
        parts.push(new Part(patterns.slice(from, place), from));
        from = place;
        chars = 0;
      }
      chars += more;
    }
    if (from < patterns.length) parts.push(new Part(patterns.slice(from), from));
    this.#parts = parts;
    this.#left = parts.length;
  }

  /** As how many patterns alone they are to be counted. */
  get looks(): number {
    return this.#parts.length * PASS_LOOKS;
  }

  /** Compiles a part, a few milliseconds of work; false when all are. `matching` does so now and then, so that this need not be called. */
  compileMore(): boolean {
    if (this.#left === 0) return false;
    this.#parts[this.#left - 1]!.compile();
    this.#left -= 1;
    return true;
  }

  /** The places in the list of those that match, from the lowest on. */
  matching(value: string): number[] {
    if (this.#left > 0) {
      this.#values += 1;
      if (this.#values % VALUES_ALONE === 0) this.compileMore();
    }
    const places: number[] = [];
    for (const part of this.#parts) if (part.mayMatch(value)) part.addMatching(value, places);
    return places;
  }
}

/** Some patterns of a list. */
class Part {
  readonly #patterns: readonly OnePattern[];
  readonly #from: number;
  /** What values that match begin with; undefined where that may be anything. */
  readonly #firstChars: ReadonlySet<string> | undefined;
  #set: RE2Set | undefined;

  constructor(patterns: readonly OnePattern[], from: number) {
    this.#patterns = patterns;
    this.#from = from;
    const chars = patterns.map(({ value }) => literalPrefix(value).charAt(0));
    this.#firstChars = chars.includes('') ? undefined : new Set(chars);
  }

  compile(): void {
    const set = new RE2Set(RE2Set.ANCHOR_BOTH, RE2JS.DOTALL, BYTES_MAX);
    for (const { value } of this.#patterns) set.add(value);
    set.compile();
    this.#set = set;
  }

  mayMatch(value: string): boolean {
    return this.#firstChars === undefined || this.#firstChars.has(value.charAt(0));
  }

  addMatching(value: string, places: number[]): void {
    if (this.#set !== undefined) for (const place of this.#set.match(value)) places.push(this.#from + place);
    else
      for (const [place, pattern] of this.#patterns.entries())
        if (pattern.matches(value)) places.push(this.#from + place);
  }
}
