/** What an operator says of the series, or sources, that are to go: series selectors of PromQL, one of which must match. */
import { RequestError } from '../../model/errors.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { quote } from '../../primitives/quote.ts';
import { RuleProblem } from '../../rules/rule-problem.ts';
import { parseSelector } from '../../rules/selector.ts';
import type { Matcher, Selector } from '../../rules/selector.ts';

const SELECTORS_MAX = 64;
const SELECTOR_CHARS_MAX = 4096;

/** In steps, as regular expressions take long to compile. Throws RequestError `invalid_parameter`. */
export function* parseSelectorsInSteps(
  texts: readonly string[],
  of: 'series' | 'sources',
): Generator<void, readonly Selector[]> {
  if (texts.length === 0)
    throw invalid(
      `match[] is missing; say what to delete, as in match[]=${of === 'series' ? 'up{job="x"}' : '{job="x"}'}`,
    );
  if (texts.length > SELECTORS_MAX)
    throw invalid(
      `match[] is given ${texts.length} times; the maximum is ${SELECTORS_MAX}, so use several requests`,
    );
  const check = of === 'series' ? checkOfSeries : checkOfSources;
  const selectors: Selector[] = [];
  for (const text of texts) {
    selectors.push(parse(text, check));
    yield;
  }
  return selectors;
}

function parse(text: string, check: (selector: Selector) => string | undefined): Selector {
  if (text.length > SELECTOR_CHARS_MAX)
    throw invalid(
      `a match[] is ${text.length} characters long; the maximum is ${SELECTOR_CHARS_MAX}, so use several`,
    );
  const selector = /^\s*\{\s*\}\s*$/.test(text) ? undefined : parsed(text);
  // As Prometheus asks it: a label that is missing has an empty value, so this is nearly everything.
  if (selector === undefined || selector.matchers.every((matcher) => matcher.matches('')))
    throw invalid(
      `match[] ${quote(text)} needs at least one matcher that does not match an empty value; to delete everything, use /api/v1/admin/wipe`,
    );
  const problem = check(selector);
  if (problem !== undefined) throw invalid(`match[] ${quote(text)}: ${problem}`);
  return selector;
}

function parsed(text: string): Selector {
  try {
    return parseSelector(text);
  } catch (error) {
    if (!(error instanceof RuleProblem)) throw error;
    const place = error.from === undefined ? '' : `, character ${error.from + 1}`;
    throw invalid(`match[] ${quote(text)}${place}: ${error.message}`);
  }
}

function checkOfSeries({ matchers }: Selector): string | undefined {
  const part = matchers.find(({ label }) => label === 'le' || label === 'quantile');
  if (part === undefined) return undefined;
  return `a histogram or summary is deleted as a whole; remove the matcher on ${part.label}`;
}

function checkOfSources({ matchers }: Selector): string | undefined {
  if (!matchers.some(isOnName)) return undefined;
  return 'a source has no metric name; match the labels of its path, as in {job="x"}';
}

function isOnName({ label }: Matcher): boolean {
  return label === NAME_LABEL;
}

/**
 * A selector with the name by which it may match series that have several, as a histogram is `x`, `x_bucket`, `x_sum` and `x_count`:
 * undefined where it cannot match. A name that is excluded excludes the series, whatever its other names are.
 */
export function nameMatchedBy(selector: Selector, names: readonly string[]): string | undefined {
  const excludes = selector.matchers.filter((matcher) => isOnName(matcher) && matcher.op.startsWith('!'));
  const isExcluded = excludes.some((matcher) => names.some((name) => !matcher.matches(name)));
  return isExcluded ? undefined : names.find((name) => selector.mayMatch(name));
}

export function matchesSource(selectors: readonly Selector[], labels: readonly Label[]): boolean {
  return selectors.some((selector) => selector.matches('', labels));
}

function invalid(message: string): RequestError {
  return new RequestError('invalid_parameter', message);
}
