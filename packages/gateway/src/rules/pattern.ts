/**
 * Regular expressions as Prometheus has them: RE2, anchored at both ends, and a dot is any character. Time is linear in the length of the
 * value, so that a value chosen by a stranger cannot hang the gateway.
 */
import { RE2JS } from 're2js';

import { KeptResults } from './kept-results.ts';
import type { Results } from './kept-results.ts';
import { RuleProblem } from './rule-problem.ts';

/** Of longer values no results are kept. */
const KEPT_LENGTH = 256;
const keptOfRules = new KeptResults(16 * 2 ** 20);

export class Pattern {
  /** As it was written, without the anchors. */
  readonly source: string;
  readonly #anchored: RE2JS;
  /** Without a character that means anything: the one value that matches. */
  readonly #literal: string | undefined;
  /** What all values that match begin with. */
  readonly #prefix: string;
  readonly #results: Results = new Map();
  readonly #kept: KeptResults;

  /** Throws a RuleProblem. What is not a rule has results of its own, so that those of rules stay. */
  constructor(source: string, kept: KeptResults = keptOfRules) {
    this.source = source;
    this.#kept = kept;
    this.#anchored = compiled(source);
    this.#literal = /^[\w:/ -]*$/.test(source) ? source : undefined;
    this.#prefix = literalPrefix(source);
  }

  matches(value: string): boolean {
    if (this.#literal !== undefined) return value === this.#literal;
    // Of hundreds of rules most are told apart by it, for a hundredth of what the expression takes.
    if (!value.startsWith(this.#prefix)) return false;
    const known = this.#results.get(value);
    if (known !== undefined) return known;
    const result = this.#anchored.test(value);
    if (value.length <= KEPT_LENGTH) this.#kept.keep(this.#results, value, result);
    return result;
  }

  /** The template with `$1`, `${1}` and `${name}` replaced by what the groups matched, and `$$` by `$`; undefined without a match. */
  expand(value: string, template: string): string | undefined {
    if (!template.includes('$')) return this.matches(value) ? template : undefined;
    if (!value.startsWith(this.#prefix)) return undefined;
    const matcher = this.#anchored.matcher(value);
    if (!matcher.find()) return undefined;
    const names = this.#anchored.namedGroups();
    return expandTemplate(template, (group) => {
      const index = /^\d+$/.test(group) ? Number(group) : names[group];
      if (index === undefined || index > matcher.groupCount()) return '';
      return matcher.group(index) ?? '';
    });
  }
}

/** What all values that match begin with. Empty where there may be several ways to begin. */
export function literalPrefix(source: string): string {
  const [prefix] = /^[\w:/ -]*/.exec(source)!;
  // A choice in parentheses behind the prefix does no harm; that it is in them is not plain where there are classes or escapes.
  const isChoice = source.includes('|') && (/[[\\]/.test(source) || hasOuterChoice(source));
  if (isChoice) return '';
  return /[*?+{]/.test(source[prefix.length] ?? '') ? prefix.slice(0, -1) : prefix;
}

function hasOuterChoice(source: string): boolean {
  let depth = 0;
  for (const char of source) {
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}

function compiled(source: string): RE2JS {
  try {
    // Alone first: a parenthesis that closes ours would leave the anchors to a part of it.
    RE2JS.compile(source);
    return RE2JS.compile(`^(?:${source})$`, RE2JS.DOTALL);
  } catch (error) {
    throw new RuleProblem(
      `the regular expression is not RE2: ${error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)}`,
    );
  }
}

/**
 * As Go's `Regexp.Expand`: a name is as long as letters, digits and underscores go, so that `$1x` is the group named `1x`. A dollar that
 * begins no name stays.
 */
function expandTemplate(template: string, groupText: (group: string) => string): string {
  return template.replaceAll(
    /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (whole, braced: string | undefined, plain: string | undefined) =>
      whole === '$$' ? '$' : groupText(braced ?? plain!),
  );
}
