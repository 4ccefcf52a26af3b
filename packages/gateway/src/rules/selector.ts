/** Series selectors of PromQL, read by Prometheus' own grammar: `name{label="value",other=~"a|b"}`. */
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

import { labelValue, NAME_LABEL } from '../model/labels.ts';
import type { Label } from '../model/labels.ts';
import { hideTokens } from '../primitives/hide-tokens.ts';
import type { KeptResults } from './kept-results.ts';
import { Pattern } from './pattern.ts';
import { repetitionOf } from './repetition.ts';
import { RuleProblem } from './rule-problem.ts';
import { unquotePromQL } from './unquote.ts';

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
  matches(value: string): boolean;
}

export class Selector {
  readonly text: string;
  readonly matchers: readonly Matcher[];

  constructor(text: string, matchers: readonly Matcher[]) {
    this.text = text;
    this.matchers = matchers;
  }

  /** A label that a series does not have is as one of an empty value. */
  matches(name: string, labels: readonly Label[]): boolean {
    return this.matchers.every((matcher) =>
      matcher.matches(matcher.label === NAME_LABEL ? name : labelValue(labels, matcher.label)),
    );
  }

  /** Whether it can match series of this name, whatever their labels are. */
  mayMatch(name: string): boolean {
    return this.matchers.every((matcher) => matcher.label !== NAME_LABEL || matcher.matches(name));
  }
}

/** What regular expressions of a selector may be. */
interface PatternOptions {
  /** As with a pattern. */
  readonly kept?: KeptResults | undefined;
  /** What quantifiers may add to the size of each; see `repetitionOf`. */
  readonly repetitionMax?: number | undefined;
}

/** Throws a RuleProblem, with its place in the text. */
export function parseSelector(text: string, options: PatternOptions = {}): Selector {
  const tree = parser.parse(text);
  // What the grammar does not know stands in the tree as an error, where reading could go on.
  tree.iterate({
    enter({ type, from, to }) {
      if (!type.isError) return;
      const found = text.slice(from, Math.max(to, from + 1));
      // Of a token it would be the end, which nothing knows to be of one.
      const shown = hideTokens(text) === text ? JSON.stringify(found) : 'what is there';
      throw new RuleProblem(
        to > from || from < text.length
          ? `${shown} is unexpected in a series selector`
          : 'the series selector ends too early',
        { from, to: Math.max(to, from + 1) },
      );
    },
  });
  const top = childrenOf(tree.topNode).filter(({ name }) => name !== 'LineComment');
  const [selector] = top;
  if (top.length !== 1 || selector?.name !== 'VectorSelector')
    throw new RuleProblem('a series selector is expected, such as name{label="value"}');
  const matchers: Matcher[] = [];
  for (const node of childrenOf(selector)) {
    if (node.name === 'Identifier') matchers.push(nameIs(text.slice(node.from, node.to)));
    else for (const each of childrenOf(node)) matchers.push(matcherOf(each, text, options));
  }
  if (matchers.length === 0)
    throw new RuleProblem('{} would match every series; leave match out if that is meant');
  if (matchers.filter(({ label, op }) => label === NAME_LABEL && op === '=').length > 1)
    throw new RuleProblem('the metric name is given twice');
  return new Selector(text, matchers);
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function nameIs(name: string): Matcher {
  return { label: NAME_LABEL, op: '=', value: name, matches: (value) => value === name };
}

function matcherOf(node: SyntaxNode, text: string, options: PatternOptions): Matcher {
  const partOf = (...names: string[]): SyntaxNode | undefined =>
    childrenOf(node).find(({ name }) => names.includes(name));
  // A name in quotes stands alone.
  if (node.name === 'QuotedLabelName') return nameIs(unquoted(node, text));
  const label = partOf('LabelName', 'QuotedLabelName')!;
  const op = partOf('MatchOp')!;
  const value = partOf('StringLiteral')!;
  return matcher(
    label.name === 'LabelName' ? text.slice(label.from, label.to) : unquoted(label, text),
    text.slice(op.from, op.to) as Matcher['op'],
    unquoted(value, text),
    { from: value.from, to: value.to, ...options },
  );
}

function unquoted({ from, to }: SyntaxNode, text: string): string {
  const value = unquotePromQL(text.slice(from, to));
  if (value === undefined)
    throw new RuleProblem(`${text.slice(from, to)} has an escape that PromQL does not know`, { from, to });
  return value;
}

function matcher(
  label: string,
  op: Matcher['op'],
  value: string,
  {
    from,
    to,
    kept,
    repetitionMax = Infinity,
  }: PatternOptions & { readonly from: number; readonly to: number },
): Matcher {
  if (op === '=') return { label, op, value, matches: (each) => each === value };
  if (op === '!=') return { label, op, value, matches: (each) => each !== value };
  if (repetitionMax < Infinity && repetitionOf(value) > repetitionMax)
    throw new RuleProblem(
      'the regular expression repeats too much; use fewer or smaller repetitions, or several match[]',
      { from, to },
    );
  try {
    const pattern = new Pattern(value, kept);
    const isWanted = op === '=~';
    return { label, op, value, matches: (each) => pattern.matches(each) === isWanted };
  } catch (error) {
    if (error instanceof RuleProblem) throw new RuleProblem(error.message, { from, to });
    throw error;
  }
}
