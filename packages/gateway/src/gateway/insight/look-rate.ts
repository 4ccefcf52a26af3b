/**
 * Which pushes are looked at: all of them while they are few, and some at random where they are many, so that looks cost the same however much is
 * pushed. Of pushes that are passed by nothing is done but to count down.
 */
import { Xorshift } from '../../primitives/xorshift.ts';

const WINDOW_MS = 1000;
/** Where all pushes are looked at, so many in a second are shown. */
const WITHIN_MAX = 64;
/** Where no more came since the last look, all are looked at again. */
const FEW = 4;
/** A window that lasted longer counts as so many seconds. */
const SECONDS_MAX = 32;

export class LookRate {
  /** Looks in a second, about. */
  perSecond = 16;
  /** Whether the look that was begun last is one of so many in a second, and not only there because all pushes are looked at. */
  isWithin = true;
  readonly #now: () => number;
  /** Pushes until the next look. */
  #left = 1;
  /** Of so many pushes one is looked at, in the middle; and how many the next look stands for. */
  #every = 1;
  #gap = 1;
  #windowSinceMs = Number.NEGATIVE_INFINITY;
  #windowPushes = 0;
  #windowLooks = 0;
  #allUntilMs = Number.NEGATIVE_INFINITY;
  readonly #random = new Xorshift();

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** To be asked once for each push. */
  isDue(): boolean {
    this.#left -= 1;
    return this.#left <= 0;
  }

  /** From now on, for so long. */
  lookAtAll(forMs: number): void {
    this.#allUntilMs = Math.max(this.#allUntilMs, this.#now() + forMs);
    this.lookAtNext();
  }

  /** Whether pushes are passed by. */
  get isSparse(): boolean {
    return this.#gap > 1;
  }

  /** The next push is looked at: after many there may be few. */
  lookAtNext(): void {
    // It stands for those that were passed by.
    this.#gap -= Math.max(this.#left - 1, 0);
    this.#left = 1;
    if (this.#gap > FEW) return;
    this.#every = 1;
    this.#windowSinceMs = this.#now();
    this.#windowPushes = 0;
    this.#windowLooks = 0;
  }

  /** To be called where one is due: how many pushes it stands for, itself among them. */
  begin(): number {
    const nowMs = this.#now();
    const gap = this.#gap;
    const isExact = nowMs < this.#allUntilMs;
    if (nowMs - this.#windowSinceMs >= WINDOW_MS) this.#beginWindow(nowMs);
    this.#windowPushes += gap;
    this.#windowLooks += 1;
    this.isWithin = this.#windowLooks <= WITHIN_MAX || !isExact;
    // A burst does not wait for the end of the second.
    if (!isExact && this.#windowLooks % this.perSecond === 0) this.#every *= 2;
    this.#gap = isExact ? 1 : this.#nextGap();
    this.#left = this.#gap;
    return gap;
  }

  #beginWindow(nowMs: number): void {
    const seconds = Math.min((nowMs - this.#windowSinceMs) / WINDOW_MS, SECONDS_MAX);
    this.#every = Math.max(1, Math.ceil(this.#windowPushes / (seconds * this.perSecond)));
    this.#windowSinceMs = nowMs;
    this.#windowPushes = 0;
    this.#windowLooks = 0;
  }

  /** Any number up to twice as many, so that senders that push in turn are all seen. */
  #nextGap(): number {
    if (this.#every === 1) return 1;
    return 1 + (this.#random.next() % (2 * this.#every - 1));
  }
}
