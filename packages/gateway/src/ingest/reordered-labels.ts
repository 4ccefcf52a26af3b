/**
 * Series whose labels are in another order than in their canonical text, as most programs write them. Nothing is kept of such a
 * series key; it is known again by the canonical text alone:
 *
 *   find          its labels are sorted as bytes, and what comes of that is looked up
 *   matchLength   the order found last is expected again: the next accumulator's text, label by label in that order
 *
 *   m{path="/a",code="200"}     the series key      labels 1, 0 of the text
 *   m{code="200",path="/a"}     the text
 *
 * Both compare all bytes, so that they are wrong about no series, whoever chose its name. Only where labels begin and end is left to
 * tell. In a canonical text whose name is not in quotes, a quote after anything but `\ = , {` ends a value, and labels are cut there
 * alone; so whatever pieces it is cut into, in another order they say the same labels.
 */
import { UNKNOWN } from '../model/known-series.ts';
import {
  BACKSLASH,
  COMMA,
  copyBytes,
  EQUALS,
  LEFT_BRACE,
  QUOTE,
  RIGHT_BRACE,
  sameBytes,
} from '../primitives/bytes.ts';
import { hashBytes } from '../primitives/hash.ts';
import type { Accumulators } from '../store/accumulators.ts';

/** Series keys that are longer, or have more labels, are parsed, or known by their bytes (store/series-cache.ts). */
const SERIES_KEY_BYTES_MAX = 1024;
const LABELS_MAX = 32;
/** `a=""`, which is in no canonical text but sure not to reach back into what stands before it. */
const LABEL_BYTES_MIN = 4;
/** Each order is expected of one kind of accumulator of one family, more or less; a histogram has three. */
const ORDERS = 16;
/** `buck` and `et`. */
const BUCK = 0x6275636b;
const ET = 0x6574;

/**
 * How the series key that was found last stands to its text: as pieces, each of one label or of several that come one after the other in
 * both. Other series of the kind may be expected to have the same pieces, of about the same length.
 */
interface LabelOrder {
  /** The metric name and a brace. */
  readonly head: DataView;
  headLength: number;
  pieces: number;
  /** Of the pieces as they come in the series key: which they are in the text. */
  readonly places: Uint8Array;
  /** Of the pieces of the text: how long they are, and how many labels. */
  readonly lengths: Uint16Array;
  readonly labels: Uint8Array;
}

export class ReorderedLabels {
  readonly #accumulators: Accumulators;
  readonly #hashSeed: number;
  readonly #orders: readonly LabelOrder[] = Array.from({ length: ORDERS }, newOrder);
  #last: LabelOrder = this.#orders[0]!;
  /** Where the pieces of a text begin, and one past its last comma or brace. */
  readonly #starts = new Uint32Array(LABELS_MAX + 1);
  /** The labels of a series key as they come: where each begins, where its name ends and where it ends. */
  readonly #labelStarts = new Uint32Array(LABELS_MAX);
  readonly #nameEnds = new Uint32Array(LABELS_MAX);
  readonly #labelEnds = new Uint32Array(LABELS_MAX);
  /** The same labels sorted. */
  readonly #sorted = new Uint8Array(LABELS_MAX);
  /** Pieces of a series key in the order of the text: where each begins and ends, and its first label. */
  readonly #pieceStarts = new Uint32Array(LABELS_MAX);
  readonly #pieceEnds = new Uint32Array(LABELS_MAX);
  readonly #firstLabels = new Uint8Array(LABELS_MAX);
  #labels = 0;
  #headLength = 0;
  /** The series key with its labels sorted. */
  readonly #text = new DataView(new ArrayBuffer(SERIES_KEY_BYTES_MAX));

  constructor(accumulators: Accumulators, hashSeed: number) {
    this.#accumulators = accumulators;
    this.#hashSeed = hashSeed;
  }

  /** The accumulator of a series whose labels are not sorted, or UNKNOWN. */
  find(view: DataView, start: number, end: number): number {
    if (this.#sortAsBefore(view, start, end, this.#last)) {
      const accumulator = this.#findText(end - start);
      if (accumulator >= 0) return accumulator;
    }
    if (!this.#sort(view, start, end)) return UNKNOWN;
    const accumulator = this.#findText(end - start);
    if (accumulator < 0) return UNKNOWN;
    this.#last = this.#orderOf(accumulator);
    this.#note(view, start, this.#last);
    return accumulator;
  }

  /** Whether a series key is a canonical text but for the order of its labels. */
  isReordered(view: DataView, start: number, end: number, text: DataView, textEnd: number): boolean {
    return (
      end - start === textEnd &&
      this.#sort(view, start, end) &&
      sameBytes(this.#text, 0, text, 0, end - start)
    );
  }

  /** The length of an accumulator's text when the bytes at `start` begin with it, its labels in the order found last, else -1. */
  matchLength(accumulator: number, view: DataView, start: number, end: number): number {
    const { texts } = this.#accumulators;
    if (accumulator >= texts.high) return -1;
    const length = texts.lengthOf(accumulator);
    const order = this.#orderOf(accumulator);
    const { head, headLength, pieces, places } = order;
    // A number that was released has no length.
    if (pieces === 0 || length <= headLength || start + length > end) return -1;
    if (!samePiece(view, start, head, 0, headLength)) return -1;
    const text = texts.viewOf(accumulator);
    const textStart = texts.offsetOf(accumulator);
    if (!samePiece(text, textStart, head, 0, headLength)) return -1;
    const starts = this.#starts;
    if (!this.#cut(text, textStart + headLength, textStart + length, order)) return -1;
    let position = start + headLength;
    for (let i = 0; i < pieces; i += 1) {
      const place = places[i]!;
      const from = starts[place]!;
      const pieceLength = starts[place + 1]! - from - 1;
      if (!samePiece(text, from, view, position, pieceLength)) return -1;
      position += pieceLength;
      if (view.getUint8(position) !== (i === pieces - 1 ? RIGHT_BRACE : COMMA)) return -1;
      position += 1;
    }
    return length;
  }

  #findText(length: number): number {
    const text = this.#text;
    return this.#accumulators.texts.find(text, 0, length, hashBytes(this.#hashSeed, text, 0, length));
  }

  /**
   * The same as `#sort` does, where the labels come in the order found last. What comes of it is a text of the state, or it was cut at a
   * wrong place and is none.
   */
  #sortAsBefore(view: DataView, start: number, end: number, order: LabelOrder): boolean {
    const { head, headLength, pieces, places, lengths, labels } = order;
    const last = end - 1;
    if (pieces === 0 || end - start > SERIES_KEY_BYTES_MAX || end - start <= headLength) return false;
    if (!sameBytes(view, start, head, 0, headLength) || view.getUint8(last) !== RIGHT_BRACE) return false;
    const [from, to] = [this.#pieceStarts, this.#pieceEnds];
    let position = start + headLength;
    for (let i = 0; i < pieces - 1; i += 1) {
      const place = places[i]!;
      let pieceEnd = position + lengths[place]!;
      if (pieceEnd >= last || view.getUint8(pieceEnd) !== COMMA || !isLabelEnd(view, pieceEnd)) {
        pieceEnd = labelsEnd(view, position, last, labels[place]!);
        if (pieceEnd < 0) return false;
      }
      from[place] = position;
      to[place] = pieceEnd;
      position = pieceEnd + 1;
    }
    if (last < position + LABEL_BYTES_MIN || !isLabelEnd(view, last)) return false;
    const place = places[pieces - 1]!;
    from[place] = position;
    to[place] = last;
    copyBytes(head, 0, this.#text, 0, headLength);
    this.#join(view, from, to, { at: headLength, pieces });
    return true;
  }

  /** Writes pieces of a series key one after the other, with commas between them and a brace. */
  #join(
    view: DataView,
    from: Uint32Array,
    to: Uint32Array,
    { at, pieces }: { readonly at: number; readonly pieces: number },
  ): void {
    const text = this.#text;
    let position = at;
    for (let i = 0; i < pieces; i += 1) {
      const length = to[i]! - from[i]!;
      copyBytes(view, from[i]!, text, position, length);
      position += length;
      text.setUint8(position, i === pieces - 1 ? RIGHT_BRACE : COMMA);
      position += 1;
    }
  }

  #orderOf(accumulator: number): LabelOrder {
    const { family, kind } = this.#accumulators;
    return this.#orders[(family[accumulator]! * 3 + kind[accumulator]!) & (ORDERS - 1)]!;
  }

  /** Finds where the pieces of a text begin and end, mostly where those of the text before did. */
  #cut(text: DataView, start: number, end: number, { pieces, lengths, labels }: LabelOrder): boolean {
    const starts = this.#starts;
    let position = start;
    starts[0] = start;
    for (let i = 0; i < pieces - 1; i += 1) {
      let pieceEnd = position + lengths[i]!;
      if (pieceEnd >= end || text.getUint8(pieceEnd) !== COMMA || !isLabelEnd(text, pieceEnd)) {
        pieceEnd = labelsEnd(text, position, end, labels[i]!);
        if (pieceEnd < 0) return false;
        lengths[i] = pieceEnd - position;
      }
      position = pieceEnd + 1;
      starts[i + 1] = position;
    }
    starts[pieces] = end;
    return true;
  }

  /** Writes a series key with its labels sorted; false where they are so already, or where it is none that can be taken apart so. */
  #sort(view: DataView, start: number, end: number): boolean {
    if (end - start > SERIES_KEY_BYTES_MAX || !this.#split(view, start, end)) return false;
    const labels = this.#labels;
    const sorted = this.#sorted;
    const isBucket = endsInBucket(view, start, start + this.#headLength - 1);
    let inOrder = true;
    for (let i = 0; i < labels; i += 1) {
      let at = i;
      while (at > 0 && this.#isBefore(view, i, sorted[at - 1]!, isBucket)) {
        sorted[at] = sorted[at - 1]!;
        at -= 1;
      }
      sorted[at] = i;
      inOrder &&= at === i;
    }
    if (inOrder) return false;
    copyBytes(view, start, this.#text, 0, this.#headLength);
    const [from, to] = [this.#pieceStarts, this.#pieceEnds];
    for (let i = 0; i < labels; i += 1) {
      from[i] = this.#labelStarts[sorted[i]!]!;
      to[i] = this.#labelEnds[sorted[i]!]!;
    }
    this.#join(view, from, to, { at: this.#headLength, pieces: labels });
    return true;
  }

  /** Finds name and labels of a series key: names without quotes, and nothing but what a canonical text has, too. */
  #split(view: DataView, start: number, end: number): boolean {
    let position = start;
    while (position < end && view.getUint8(position) !== LEFT_BRACE) position += 1;
    if (position === start || position + 1 >= end || view.getUint8(end - 1) !== RIGHT_BRACE) return false;
    position += 1;
    this.#headLength = position - start;
    for (let label = 0; label < LABELS_MAX; label += 1) {
      const nameStart = position;
      while (position < end && view.getUint8(position) !== EQUALS) position += 1;
      if (position + 2 >= end || view.getUint8(nameStart) === QUOTE || view.getUint8(position + 1) !== QUOTE)
        return false;
      this.#labelStarts[label] = nameStart;
      this.#nameEnds[label] = position;
      const value = position + 2;
      position = valueEnd(view, value, end);
      // An empty value means no label.
      if (position >= end || position === value + 1) return false;
      this.#labelEnds[label] = position;
      this.#labels = label + 1;
      if (position === end - 1) return true;
      if (view.getUint8(position) !== COMMA) return false;
      position += 1;
    }
    return false;
  }

  /** Whether the name of a label sorts before that of another; `le` is last in a bucket. */
  #isBefore(view: DataView, a: number, b: number, isBucket: boolean): boolean {
    const [aStart, bStart] = [this.#labelStarts[a]!, this.#labelStarts[b]!];
    const aLength = this.#nameEnds[a]! - aStart;
    const bLength = this.#nameEnds[b]! - bStart;
    if (isBucket) {
      if (isLe(view, aStart, aLength)) return false;
      if (isLe(view, bStart, bLength)) return true;
    }
    const shared = Math.min(aLength, bLength);
    for (let i = 0; i < shared; i += 1) {
      const difference = view.getUint8(aStart + i) - view.getUint8(bStart + i);
      if (difference !== 0) return difference < 0;
    }
    return aLength < bLength;
  }

  /** Notes the order of the labels that were sorted. */
  #note(view: DataView, start: number, order: LabelOrder): void {
    const { places, lengths, labels } = order;
    copyBytes(view, start, order.head, 0, this.#headLength);
    order.headLength = this.#headLength;
    let piece = -1;
    for (let i = 0; i < this.#labels; i += 1) {
      const label = this.#sorted[i]!;
      const length = this.#labelEnds[label]! - this.#labelStarts[label]!;
      if (i > 0 && label === this.#sorted[i - 1]! + 1) {
        lengths[piece]! += 1 + length;
        labels[piece]! += 1;
      } else {
        piece += 1;
        this.#firstLabels[piece] = label;
        lengths[piece] = length;
        labels[piece] = 1;
      }
    }
    order.pieces = piece + 1;
    // Pieces come in the series key as their first labels do.
    for (let place = 0; place <= piece; place += 1) {
      let at = 0;
      for (let other = 0; other <= piece; other += 1)
        if (this.#firstLabels[other]! < this.#firstLabels[place]!) at += 1;
      places[at] = place;
    }
  }
}

function newOrder(): LabelOrder {
  return {
    head: new DataView(new ArrayBuffer(SERIES_KEY_BYTES_MAX)),
    headLength: 0,
    pieces: 0,
    places: new Uint8Array(LABELS_MAX),
    lengths: new Uint16Array(LABELS_MAX),
    labels: new Uint8Array(LABELS_MAX),
  };
}

/** As `sameBytes`, for pieces that are short. */
function samePiece(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  if (length < 4) return sameBytes(a, aStart, b, bStart, length);
  let i = 0;
  for (const stop = length - 7; i < stop; i += 8) {
    const difference =
      (a.getInt32(aStart + i, true) ^ b.getInt32(bStart + i, true)) |
      (a.getInt32(aStart + i + 4, true) ^ b.getInt32(bStart + i + 4, true));
    if (difference !== 0) return false;
  }
  // A whole word, if one is left, and the last one, with bytes that were compared before.
  if (i + 4 < length && a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
  return a.getInt32(aStart + length - 4, true) === b.getInt32(bStart + length - 4, true);
}

/** The comma after so many labels, before `end`, or -1. */
function labelsEnd(text: DataView, start: number, end: number, labels: number): number {
  let left = labels;
  for (let position = start + LABEL_BYTES_MIN; position < end; position += 1) {
    if (text.getUint8(position) !== COMMA || !isLabelEnd(text, position)) continue;
    left -= 1;
    if (left === 0) return position;
  }
  return -1;
}

/** Whether a label of a canonical text surely ends at a comma or the last brace. */
function isLabelEnd(text: DataView, end: number): boolean {
  if (text.getUint8(end - 1) !== QUOTE) return false;
  const before = text.getUint8(end - 2);
  return before !== BACKSLASH && before !== EQUALS && before !== COMMA && before !== LEFT_BRACE;
}

/** Past the quote that ends a value, or `end`. */
function valueEnd(view: DataView, start: number, end: number): number {
  let position = start;
  while (position < end) {
    const byte = view.getUint8(position);
    position += byte === BACKSLASH ? 2 : 1;
    if (byte === QUOTE) return position;
  }
  return end;
}

function isLe(view: DataView, start: number, length: number): boolean {
  return length === 2 && view.getUint16(start) === 0x6c65;
}

function endsInBucket(view: DataView, start: number, end: number): boolean {
  return end - start > 6 && view.getUint32(end - 6) === BUCK && view.getUint16(end - 2) === ET;
}
