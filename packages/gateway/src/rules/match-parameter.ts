/** The parameter `match[]` of a request: series selectors of PromQL. */
import { RequestError } from '../model/errors.ts';
import { quote } from '../primitives/quote.ts';
import { KeptResults } from './kept-results.ts';
import { RuleProblem } from './rule-problem.ts';
import { parseSelector } from './selector.ts';
import type { Selector } from './selector.ts';

const SELECTORS_MAX = 64;
const SELECTOR_CHARS_MAX = 4096;
/** What a selector remembers of values that come again and again: about a thousand. */
const KEPT_BYTES = 128 * 1024;

/** Throws RequestError `invalid_parameter` where there are too many. */
export function checkMatchCount({ length }: readonly string[]): void {
  if (length <= SELECTORS_MAX) return;
  throw new RequestError(
    'invalid_parameter',
    `match[] is given ${length} times; the maximum is ${SELECTORS_MAX}, so use several requests`,
  );
}

interface MatchOptions {
  /** What to do where nearly every series would match. */
  readonly instead?: string;
  /** As with a selector. */
  readonly repetitionMax?: number;
}

/** Throws RequestError `invalid_parameter`. */
export function parseMatch(text: string, { instead = '', repetitionMax }: MatchOptions = {}): Selector {
  if (text.length > SELECTOR_CHARS_MAX)
    throw invalid(
      `a match[] is ${text.length} characters long; the maximum is ${SELECTOR_CHARS_MAX}, so use several`,
    );
  const selector = /^\s*\{\s*\}\s*$/.test(text) ? undefined : parsed(text, repetitionMax);
  // As Prometheus asks it: a label that is missing has an empty value, so this is nearly everything.
  if (selector === undefined || selector.matchers.every((matcher) => matcher.matches('')))
    throw invalid(
      `match[] ${quote(text)} needs at least one matcher that does not match an empty value${instead}`,
    );
  return selector;
}

function parsed(text: string, repetitionMax: number | undefined): Selector {
  try {
    return parseSelector(text, { kept: new KeptResults(KEPT_BYTES), repetitionMax });
  } catch (error) {
    if (!(error instanceof RuleProblem)) throw error;
    const place = error.from === undefined ? '' : `, character ${error.from + 1}`;
    throw invalid(`match[] ${quote(text)}${place}: ${error.message}`);
  }
}

function invalid(message: string): RequestError {
  return new RequestError('invalid_parameter', message);
}
