/**
 * What a push's plain series have in common with those just before them: names, bounds and the labels of one histogram come
 * again and again, so they are compared as bytes and parsed once.
 */
import type { PlainSeries } from '../model/known-series.ts';
import { sameBytes } from '../primitives/bytes.ts';
import { formatFloat64, parseFloat64 } from '../primitives/float.ts';
import type { PushFamily } from '../store/batch.ts';
import type { PushFamilies, Route } from './push-families.ts';

/** A histogram's three kinds of names, and one more. */
const RECENT_ROUTES = 4;
const BOUNDS_MAX = 4096;
/** No canonical text of a number is longer. */
const BOUND_CHARS_MAX = 32;

export class PlainReader {
  readonly #families: PushFamilies;
  #recent: { readonly start: number; readonly length: number; readonly route: Route }[] = [];
  #oldest = 0;
  /** Bounds by their text; NaN for texts that are not canonical. */
  readonly #bounds = new Map<string, number>();
  #composite:
    | { readonly family: PushFamily; readonly start: number; readonly length: number; readonly id: number }
    | undefined;

  constructor(families: PushFamilies) {
    this.#families = families;
  }

  /** Forgets the body. Also to be called when a TYPE line may have given names another meaning. */
  begin(): void {
    this.#recent.length = 0;
    this.#oldest = 0;
    this.#composite = undefined;
  }

  /** The family that the series belongs to; counts as a sample of it. */
  route(view: DataView, series: PlainSeries): Route {
    const { start } = series;
    const length = series.nameEnd - start;
    for (const recent of this.#recent) {
      if (recent.length === length && sameBytes(view, recent.start, view, start, length)) return recent.route;
    }
    const route = this.#families.route(textAt(view, start, series.nameEnd), start);
    this.#recent[this.#oldest] = { start, length, route };
    this.#oldest = (this.#oldest + 1) % RECENT_ROUTES;
    return route;
  }

  /** The upper bound that stands between the quotes, or NaN when it is not spelled the canonical way. */
  bound(view: DataView, start: number, end: number): number {
    const text = textAt(view, start, end);
    const known = this.#bounds.get(text);
    if (known !== undefined) return known;
    const parsed = parseFloat64(text) ?? Number.NaN;
    const bound = parsed === 0 || formatFloat64(parsed) !== text ? (text === '0' ? 0 : Number.NaN) : parsed;
    if (text.length > BOUND_CHARS_MAX) return bound;
    if (this.#bounds.size >= BOUNDS_MAX) this.#bounds.clear();
    this.#bounds.set(text, bound);
    return bound;
  }

  /** The histogram that the previous bucket belonged to, if this family and these labels are its own too. */
  sameComposite(family: PushFamily, view: DataView, start: number, end: number): number | undefined {
    const composite = this.#composite;
    if (composite === undefined || composite.family !== family || composite.length !== end - start)
      return undefined;
    return sameBytes(view, composite.start, view, start, composite.length) ? composite.id : undefined;
  }

  rememberComposite(family: PushFamily, start: number, end: number, id: number): void {
    this.#composite = { family, start, length: end - start, id };
  }
}

/** ASCII bytes as text. */
export function textAt(view: DataView, start: number, end: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, end - start).toString('latin1');
}
