/** What an operator says of the series, or sources, that are to go: series selectors of PromQL, one of which must match. */
import { RequestError } from '../../model/errors.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { quote } from '../../primitives/quote.ts';
import { checkMatchCount, parseMatch } from '../../rules/match-parameter.ts';
import type { Matcher, Selector } from '../../rules/selector.ts';

/** In steps, as regular expressions take long to compile. Throws RequestError `invalid_parameter`. */
export function* parseSelectorsInSteps(
  texts: readonly string[],
  of: 'series' | 'sources',
): Generator<void, readonly Selector[]> {
  if (texts.length === 0)
    throw invalid(
      `match[] is missing; say what to delete, as in match[]=${of === 'series' ? 'up{job="x"}' : '{job="x"}'}`,
    );
  checkMatchCount(texts);
  const check = of === 'series' ? checkOfSeries : checkOfSources;
  const selectors: Selector[] = [];
  for (const text of texts) {
    selectors.push(parse(text, check));
    yield;
  }
  return selectors;
}

function parse(text: string, check: (selector: Selector) => string | undefined): Selector {
  const selector = parseMatch(text, { instead: '; to delete everything, use /api/v1/admin/wipe' });
  const problem = check(selector);
  if (problem !== undefined) throw invalid(`match[] ${quote(text)}: ${problem}`);
  return selector;
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
