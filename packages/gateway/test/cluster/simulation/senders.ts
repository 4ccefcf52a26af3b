/** Who pushes in a simulation, and what pages have to show of it: the laws. */

/** A push is a digit of the counter that it adds to, so that a page says of each how often it counted. */
const BASE = 4;
export const PUSHES = 18;

/** Where a page breaks a promise: says which. */
export interface Seen {
  readonly begunMs: number;
  /** What the page has for the sender; undefined for nothing. */
  readonly value: number | undefined;
  /** Of the page before it that the same scraper has got; undefined for none. */
  readonly before: number | undefined;
}

export interface Sender {
  readonly label: string;
  readonly path: string;
  readonly isOver: boolean;
  /** How many were acknowledged. */
  readonly acknowledged: number;
  /** The sentence about what is wrong. */
  problemOf(seen: Seen): string | undefined;
}

/** Adds to a counter; with keys it goes on until it is told that a push counts. */
export class Adder implements Sender {
  readonly label: string;
  readonly path = '';
  readonly hasKeys: boolean;
  sent = 0;
  /** Since when each is acknowledged. */
  readonly #acknowledgedMs: number[] = [];
  /** Those of which the sender does not know whether they count. */
  unsure = 0;

  constructor(label: string, hasKeys: boolean) {
    this.label = label;
    this.hasKeys = hasKeys;
  }

  get isOver(): boolean {
    return this.sent === PUSHES && this.acknowledged + this.unsure === PUSHES;
  }

  get acknowledged(): number {
    return this.#acknowledgedMs.reduce((sum) => sum + 1, 0);
  }

  /** What the next push adds. */
  next(): number {
    this.sent += 1;
    return BASE ** (this.sent - 1);
  }

  acknowledge(nowMs: number): void {
    this.#acknowledgedMs[this.sent - 1] = nowMs;
  }

  problemOf({ begunMs, value = 0, before = 0 }: Seen): string | undefined {
    for (let nth = 0, [now, then] = [value, before]; nth < PUSHES; nth += 1) {
      const shown = now % BASE;
      now = Math.floor(now / BASE);
      const shownBefore = then % BASE;
      then = Math.floor(then / BASE);
      if (shown > 1 || (shown === 1 && nth >= this.sent)) return `push ${nth} counts ${shown} times`;
      if (shown < shownBefore) return `push ${nth} was shown, and is not any more`;
      if (shown === 0 && this.#acknowledgedMs[nth]! <= begunMs)
        return `push ${nth} was acknowledged, and a later scrape does not show it`;
    }
    return undefined;
  }
}

/** Puts what it counted so far in the place of what it put before, and begins anew after a delete. */
export class Source implements Sender {
  readonly label: string;
  readonly path: string;
  /** Pushes and deletes. */
  sent = 0;
  acknowledged = 0;
  /** Of runs that were deleted. */
  #base = 0;
  #value = 0;
  /** What was acknowledged since when, the newest first. */
  readonly #acknowledged: { readonly sinceMs: number; readonly value: number }[] = [];
  /** The last one is known to count. */
  isSure = true;

  constructor(label: string) {
    this.label = label;
    this.path = `job/${label}`;
  }

  get isOver(): boolean {
    return this.sent === PUSHES && this.isSure;
  }

  get value(): number {
    return this.#value;
  }

  next(): number {
    this.sent += 1;
    this.isSure = false;
    this.#value += 1;
    return this.#value;
  }

  acknowledge(nowMs: number): void {
    this.acknowledged += 1;
    this.isSure = true;
    this.#acknowledged.unshift({ sinceMs: nowMs, value: this.#base + this.#value });
  }

  deleted(): void {
    this.#base += this.#value;
    this.#value = 0;
  }

  problemOf({ begunMs, value = 0, before = 0 }: Seen): string | undefined {
    const least = this.#acknowledged.find(({ sinceMs }) => sinceMs <= begunMs)?.value ?? 0;
    if (value < least) return `${least} was acknowledged, and a later scrape shows ${value}`;
    if (value < before) return `it fell from ${before} to ${value}`;
    const most = this.#base + this.#value;
    return value > most ? `${most} was pushed, and a scrape shows ${value}` : undefined;
  }
}
