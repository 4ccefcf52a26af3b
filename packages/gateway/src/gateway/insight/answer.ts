/** Answers as JSON in parts, of entries that are written one by one. */
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import type { Listed } from '../api.ts';
import { JsonParts } from '../listings/json-parts.ts';
import { cutByBytes } from '../listings/list.ts';

/** Of an answer. */
const BYTES_MAX = 8 * 1024 * 1024;

export class Answer {
  readonly #json = new JsonParts(BYTES_MAX);
  readonly #warnings: string[] = [];
  #count = 0;

  /** `head` is an object without its end, which has something in it; the entries are a list called `name`. */
  constructor(head: object, name: string) {
    const text = JSON.stringify(head).slice(0, -1);
    this.#json.add(`${text}${text === '{' ? '' : ','}${JSON.stringify(name)}:[`);
  }

  get count(): number {
    return this.#count;
  }

  /** False where it would be too much: then the answer ends before this entry. */
  add(entry: object): boolean {
    const isAdded = this.#json.add(`${this.#count === 0 ? '' : ','}${JSON.stringify(entry)}`);
    if (isAdded) this.#count += 1;
    else if (this.#warnings.length === 0) this.#warnings.push(cutByBytes(BYTES_MAX));
    return isAdded;
  }

  /** What else is in the answer comes behind the entries. */
  end(rest: object = {}): Listed {
    const text = JSON.stringify(rest);
    return { data: this.#json.end(text === '{}' ? ']}' : `],${text.slice(1)}`), warnings: this.#warnings };
  }
}

export function badCursor(after: string): RequestError {
  return new RequestError(
    'invalid_parameter',
    `after is ${quote(after)}; it must be what next was in the answer before`,
  );
}
