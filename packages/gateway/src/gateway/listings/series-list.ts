/** Series by all of their labels, in the order of the exposition. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import type { Listed } from '../api.ts';
import { JsonParts } from './json-parts.ts';
import { CUT_BY_LIMIT, cutByBytes } from './list.ts';
import type { List } from './list.ts';
import { BOUND_LABEL } from './parts.ts';
import type { Part } from './parts.ts';
import type { Rows } from './rows.ts';

/** A unit of work is so much text. */
const UNIT_CHARS = 256;

export class SeriesList implements List {
  readonly isOfNames = false;
  isFull = false;
  readonly #limit: number;
  readonly #bytesMax: number;
  readonly #json: JsonParts;
  readonly #warnings: string[] = [];
  #count = 0;
  /** Of the labels that were looked at last. */
  #labels: unknown;
  #written = '';

  constructor(limit: number, bytesMax: number) {
    this.#limit = limit;
    this.#bytesMax = bytesMax;
    this.#json = new JsonParts(bytesMax);
    this.#json.add('[');
  }

  add({ name }: Part, rows: Rows, row: number, bound: number | undefined): number {
    if (this.#count === this.#limit) return this.#cut(CUT_BY_LIMIT);
    const labels = rows.labelsOf(row);
    if (labels !== this.#labels) {
      this.#labels = labels;
      this.#written = labels
        .map((label) => (label.value === '' ? '' : pair(label.name, label.value)))
        .join('');
    }
    const le = bound === undefined ? '' : pair(BOUND_LABEL, formatBound(bound));
    const comma = this.#count === 0 ? '' : ',';
    const text = `${comma}{"${NAME_LABEL}":${JSON.stringify(name)}${this.#written}${le}}`;
    if (!this.#json.add(text)) return this.#cut(cutByBytes(this.#bytesMax));
    this.#count += 1;
    return 1 + text.length / UNIT_CHARS;
  }

  *finish(): Generator<void, Listed> {
    yield;
    return { data: this.#json.end(']'), warnings: this.#warnings };
  }

  #cut(warning: string): number {
    this.isFull = true;
    this.#warnings.push(warning);
    return 1;
  }
}

function pair(name: string, value: string): string {
  return `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
}
