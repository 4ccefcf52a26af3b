/** What is wrong with a configuration file, where, and how it is shown. */
import { hideTokens } from '../../primitives/hide-tokens.ts';

/** From one position in the text to another. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

export interface FileProblem {
  /** A warning does not keep the file from being used. */
  readonly severity: 'error' | 'warning';
  /** Both count from 1; columns count characters. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly excerpt: Excerpt;
}

/** The line that a problem is in, or what there is room for of it. */
interface Excerpt {
  readonly text: string;
  /** The part that is wrong, in characters. */
  readonly from: number;
  readonly length: number;
}

/** Of errors, and of warnings. More are not listed: they are most likely of one mistake. */
const PROBLEMS_MAX = 100;

/** Of a line in an excerpt, and how many of them are before what is wrong. */
const EXCERPT_CHARS = 100;
const CHARS_BEFORE = 40;

export class Problems {
  readonly #text: string;
  /** Where the last line ends that has something in it. */
  readonly #end: number;
  readonly #found: { readonly place: Place; readonly problem: FileProblem }[] = [];
  /** The same may be found again, by way of an alias. */
  readonly #known = new Set<string>();
  readonly #listed = { error: 0, warning: 0 };
  #lineStarts: readonly number[] | undefined;
  #errors = 0;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.trimEnd().length;
  }

  /** How many; warnings do not count. */
  get errors(): number {
    return this.#errors;
  }

  error(place: Place, message: string): void {
    this.#errors += 1;
    this.#add('error', place, message);
  }

  warning(place: Place, message: string): void {
    this.#add('warning', place, message);
  }

  /** In the order of the file. */
  list(): readonly FileProblem[] {
    return this.#found.toSorted((a, b) => a.place.from - b.place.from).map(({ problem }) => problem);
  }

  /** The line of a place, as messages name it. */
  lineOf({ from }: Place): number {
    const starts = (this.#lineStarts ??= lineStartsOf(this.#text));
    let low = 0;
    for (let high = starts.length; high - low > 1;) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= from) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  #add(severity: FileProblem['severity'], place: Place, message: string): void {
    if (this.#listed[severity] >= PROBLEMS_MAX) return;
    const key = `${place.from} ${message}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#listed[severity] += 1;
    const from = Math.min(place.from, this.#end);
    const lineStart = this.#text.lastIndexOf('\n', from - 1) + 1;
    const problem = {
      severity,
      line: this.lineOf({ from, to: from }),
      column: charactersIn(this.#text.slice(lineStart, from)) + 1,
      message: hideTokens(message),
      excerpt: excerptOf(this.#text, lineStart, { from, to: Math.max(place.to, from + 1) }),
    };
    this.#found.push({ place, problem });
  }
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function excerptOf(text: string, lineStart: number, { from, to }: Place): Excerpt {
  const feed = text.indexOf('\n', from);
  const lineEnd = feed === -1 ? text.length : feed;
  const start = from - lineStart < EXCERPT_CHARS ? lineStart : from - CHARS_BEFORE;
  const end = Math.min(start + EXCERPT_CHARS, lineEnd);
  const shown = withoutSecrets(text, start, end).trimEnd();
  const before = visible(text.slice(start, from));
  const wrong = visible(text.slice(from, Math.min(to, start + shown.length)));
  return {
    text: visible(shown),
    from: charactersIn(before),
    length: Math.max(charactersIn(wrong), 1),
  };
}

/** Somebody may have written a token itself, where its digest belongs or elsewhere. What stands for it is as long. */
function withoutSecrets(text: string, start: number, end: number): string {
  const before = Math.max(start - EXCERPT_CHARS, 0);
  const hidden = (all: string, known: string): string => known + '*'.repeat(all.length - known.length);
  return text
    .slice(before, end)
    .replaceAll(/(pag_)[\w-]+/g, hidden)
    .replaceAll(
      /(\b(?:sha256|token|secret|password)["']?\s*:\s*["']?)(?![0-9a-f]{64}\b)[^\s,}\]"']+/gi,
      hidden,
    )
    .slice(start - before);
}

/** Each control character as one that can be seen: a file may be anything, and goes to a terminal. */
function visible(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(/\p{Cc}/gu, '\ufffd');
}

function charactersIn(text: string): number {
  let count = 0;
  // oxlint-disable-next-line no-unused-vars -- a string is gone through by its characters
  for (const _ of text) count += 1;
  return count;
}

/** `gateway.yaml:3:5: …`, on one line, as compilers have it. */
export function describeProblem(fileName: string, { severity, line, column, message }: FileProblem): string {
  return `${fileName}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${message}`;
}

/** The same with the line of the file below it, and what is wrong marked. */
export function showProblem(fileName: string, problem: FileProblem): string {
  const { line, excerpt } = problem;
  const margin = ` ${line} | `;
  return [
    describeProblem(fileName, problem),
    `${margin}${excerpt.text}`,
    `${' '.repeat(margin.length - 2)}| ${' '.repeat(excerpt.from)}${'^'.repeat(excerpt.length)}`,
  ].join('\n');
}
