/** Names of labels, or the values of one, sorted. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import { escapeLabelValue, labelNameText } from '../../model/series-text.ts';
import { QUOTE, viewOf } from '../../primitives/bytes.ts';
import type { Listed } from '../api.ts';
import { isEmptyLabel, isNamed, readLabel } from '../statistics/label-place.ts';
import type { PairPlace } from '../statistics/label-place.ts';
import { DistinctTexts } from './distinct-texts.ts';
import { JsonParts } from './json-parts.ts';
import { CUT_BY_LIMIT, cutByBytes } from './list.ts';
import type { List } from './list.ts';
import { BOUND_LABEL } from './parts.ts';
import type { Part } from './parts.ts';
import type { Rows } from './rows.ts';

/** A unit of work is so much of the labels. */
const UNIT_BYTES = 256;
const STEP_TEXTS = 64;
/** Bounds that are known not to be new. */
const BOUNDS_MAX = 1024;

abstract class TextList implements List {
  readonly isOfNames: boolean = false;
  protected readonly texts: DistinctTexts;
  protected readonly place: PairPlace = { start: 0, nameEnd: 0, end: 0 };
  readonly #limit: number;
  readonly #bytesMax: number;

  constructor(limit: number, bytesMax: number) {
    this.#limit = limit;
    this.#bytesMax = bytesMax;
    this.texts = new DistinctTexts(bytesMax);
  }

  get isFull(): boolean {
    return this.texts.isCut;
  }

  abstract add(part: Part, rows: Rows, row: number, bound: number | undefined): number;

  *finish(): Generator<void, Listed> {
    const texts = yield* this.texts.sorted();
    const json = new JsonParts(this.#bytesMax);
    json.add('[');
    const to = Math.min(texts.length, this.#limit);
    let isCut = this.texts.isCut;
    for (let i = 0; i < to; i += 1) {
      if (!json.add(`${i === 0 ? '' : ','}${JSON.stringify(texts[i])}`)) {
        isCut = true;
        break;
      }
      if (i % STEP_TEXTS === STEP_TEXTS - 1) yield;
    }
    const warnings = to < texts.length ? [CUT_BY_LIMIT] : [];
    return { data: json.end(']'), warnings: isCut ? [...warnings, cutByBytes(this.#bytesMax)] : warnings };
  }

  protected addText(text: string): void {
    const bytes = Buffer.from(escapeLabelValue(text));
    this.texts.add(viewOf(bytes), 0, bytes.length);
  }
}

/** The list of a label's values. */
export function valuesOf(label: string, limit: number, bytesMax: number): List {
  return label === NAME_LABEL ? new MetricNames(limit, bytesMax) : new LabelValues(label, limit, bytesMax);
}

/** Of the labels that are written in a row, which all of its samples have. */
abstract class WrittenTexts extends TextList {
  #row = -1;

  /** Returns how much work it was. */
  protected addWritten(rows: Rows, row: number): number {
    // Other samples of a row say nothing new.
    if (this.#row === rows.numberOf(row)) return 1;
    this.#row = rows.numberOf(row);
    const { place } = this;
    const end = rows.endOf(row);
    for (let position = rows.startOf(row); position < end;) {
      position = readLabel(rows.bytes, position, end, place);
      if (this.isLast(rows)) break;
    }
    return 1 + rows.labelBytesOf(row) / UNIT_BYTES;
  }

  /** Takes the label at `place`; whether those behind it say nothing. */
  protected abstract isLast(rows: Rows): boolean;
}

export class LabelNames extends WrittenTexts {
  #hasName = false;
  #hasBound = false;

  add(_: Part, rows: Rows, row: number, bound: number | undefined): number {
    if (!this.#hasName) this.addText(NAME_LABEL);
    this.#hasName = true;
    if (bound !== undefined && !this.#hasBound) {
      this.addText(BOUND_LABEL);
      this.#hasBound = true;
    }
    return this.addWritten(rows, row);
  }

  protected override isLast({ bytes, view }: Rows): boolean {
    const { place } = this;
    const quotes = bytes[place.start] === QUOTE ? 1 : 0;
    if (!isEmptyLabel(place)) this.texts.add(view, place.start + quotes, place.nameEnd - quotes);
    return false;
  }
}

class MetricNames extends TextList {
  override readonly isOfNames: boolean = true;

  add({ name }: Part): number {
    this.addText(name);
    return 1;
  }
}

class LabelValues extends WrittenTexts {
  /** As it is written in series. */
  readonly #label: Buffer;
  readonly #isBound: boolean;
  readonly #bounds = new Set<number>();

  constructor(label: string, limit: number, bytesMax: number) {
    super(limit, bytesMax);
    this.#label = Buffer.from(labelNameText(label));
    this.#isBound = label === BOUND_LABEL;
  }

  add(_: Part, rows: Rows, row: number, bound: number | undefined): number {
    if (this.#isBound && bound !== undefined) return this.#addBound(bound);
    return this.addWritten(rows, row);
  }

  protected override isLast({ bytes, view }: Rows): boolean {
    const { place } = this;
    if (!isNamed(bytes, place, this.#label)) return false;
    // Between its quotes.
    if (!isEmptyLabel(place)) this.texts.add(view, place.nameEnd + 2, place.end - 1);
    return true;
  }

  #addBound(bound: number): number {
    if (this.#bounds.has(bound)) return 1;
    if (this.#bounds.size === BOUNDS_MAX) this.#bounds.clear();
    this.#bounds.add(bound);
    this.addText(formatBound(bound));
    return 2;
  }
}
