/**
 * A file as YAML 1.2, in steps. What it takes is bounded before it is put together: nodes that nest without an end overflow the stack of
 * whoever follows them.
 */
import { isAlias, isCollection, isMap, isNode, isPair, Lexer, Parser } from 'yaml';
import type { Alias, CST, Document, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';

import { composeInSteps } from './compose-in-steps.ts';
import type { Place, Problems } from './problems.ts';

/** Of the file, in bytes of UTF-8. */
export const FILE_BYTES_MAX: number = 2 ** 20;
const NESTING_MAX = 32;
/** Keys and values. */
const NODES_MAX = 100_000;
/** Parsed in one step. */
const STEP_LEXEMES = 256;
/** Looked at in one step. */
const STEP_NODES = 1024;

interface YamlFile {
  /** Undefined for a file with nothing in it. */
  readonly root: Node | undefined;
  readonly isMapping: boolean;
  /** What an alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
}

/** Undefined where it is no YAML, and the problems say why. */
export function* parseYaml(text: string, problems: Problems): Generator<void, YamlFile | undefined> {
  const tokens = yield* tokensOf(text);
  for (const token of tokens) if (yield* exceedsBounds(token, problems)) return undefined;
  const [document, another] = yield* composeInSteps(tokens, text.length);
  if (document === undefined) return { root: undefined, isMapping: false, targets: new Map() };
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    problems.error({ from: pos[0], to: pos[1] }, `invalid YAML: ${plainly(message)}`);
  }
  if (another !== undefined) {
    problems.error(markerBefore(text, another), 'a second document begins here; a file has one document');
  }
  if (problems.errors > 0) return undefined;
  const targets = yield* targetsIn(document, problems);
  if (problems.errors > 0) return undefined;
  const root = document.contents ?? undefined;
  return { root, isMapping: isMap(root), targets };
}

function* tokensOf(text: string): Generator<void, readonly CST.Token[]> {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    lexemes += 1;
    if (lexemes % STEP_LEXEMES === 0) yield;
  }
  tokens.push(...parser.end());
  return tokens;
}

function* exceedsBounds(root: CST.Token, problems: Problems): Generator<void, boolean> {
  let nodes = 0;
  const open: { readonly token: CST.Token; readonly depth: number }[] = [{ token: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    nodes += 1;
    if (nodes % STEP_NODES === 0) yield;
    if (depth > NESTING_MAX) {
      problems.error(placeOf(token), `values nest more than ${NESTING_MAX} deep`);
      return true;
    }
    if (nodes > NODES_MAX) {
      problems.error({ from: 0, to: 1 }, `the file has more than ${NODES_MAX} keys and values`);
      return true;
    }
    for (const part of partsOf(token)) open.push({ token: part, depth: depth + 1 });
  }
  return false;
}

function* partsOf(token: CST.Token): Generator<CST.Token> {
  if (token.type === 'document' && token.value !== undefined) yield token.value;
  if (!('items' in token)) return;
  for (const item of token.items) {
    if (item.key) yield item.key;
    if (item.value) yield item.value;
  }
}

function placeOf(token: CST.Token): Place {
  return { from: token.offset, to: token.offset + 1 };
}

function markerBefore(text: string, { contents, range }: Document.Parsed): Place {
  const begin = text.lastIndexOf('---', contents?.range?.[0] ?? range[1]);
  return { from: Math.max(begin, 0), to: begin + 3 };
}

/** Messages of the library begin as sentences. */
function plainly(message: string): string {
  return (message.slice(0, 1).toLowerCase() + message.slice(1)).replace(/(['"])quote$/, 'quote $1');
}

/** An alias stands for the last node before it that has its name. */
function* targetsIn(
  document: Document.Parsed,
  problems: Problems,
): Generator<void, ReadonlyMap<Alias, Node>> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  let nodes = 0;
  for (const node of nodesIn(document.contents)) {
    nodes += 1;
    if (nodes % STEP_NODES === 0) yield;
    if (!isAlias(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      continue;
    }
    const target = anchors.get(node.source);
    const [from, to] = node.range!;
    if (target !== undefined) targets.set(node, target);
    else problems.error({ from, to }, `invalid YAML: no anchor &${node.source} comes before this alias`);
  }
  return targets;
}

/** In the order of the file. */
function* nodesIn(node: unknown): Generator<Alias | Scalar | YAMLMap | YAMLSeq> {
  if (isPair(node)) {
    yield* nodesIn(node.key);
    yield* nodesIn(node.value);
  } else if (isNode(node)) {
    yield node as Alias | Scalar | YAMLMap | YAMLSeq;
    if (isCollection(node)) for (const item of node.items) yield* nodesIn(item);
  }
}
