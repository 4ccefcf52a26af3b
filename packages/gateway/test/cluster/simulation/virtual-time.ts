/** Time that passes only when everybody waits for it, from one event to the next. */
import type { Timing } from '../../../src/cluster/timing.ts';
import type { Random } from './random.ts';

interface Event {
  readonly atMs: number;
  readonly nth: number;
  readonly run: () => void;
}

/** Turns of the event loop after an event in which what it has begun may go on. */
const TURNS = 6;

export class VirtualTime {
  nowMs = 0;
  #events: Event[] = [];
  #nth = 0;

  /** Returns what takes it back. */
  at(delayMs: number, run: () => void): () => void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), nth: (this.#nth += 1), run };
    let low = 0;
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >>> 1;
      const { atMs, nth } = this.#events[middle]!;
      if (atMs > event.atMs || (atMs === event.atMs && nth > event.nth)) low = middle + 1;
      else high = middle;
    }
    // The next one is the last of the list.
    this.#events.splice(low, 0, event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Lets so much of it pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const event = this.#events.at(-1);
      if (event === undefined || event.atMs > endMs) break;
      this.#events.pop();
      this.nowMs = event.atMs;
      event.run();
      await settle();
    }
    this.nowMs = endMs;
  }
}

async function settle(): Promise<void> {
  for (let left = TURNS; left > 0; left -= 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A process that can be stopped for a while, as by SIGSTOP: nothing reaches it meanwhile, and it notices nothing. */
export class VirtualProcess implements Timing {
  readonly #time: VirtualTime;
  readonly #random: Random;
  #waiting: (() => void)[] | undefined;
  #isGone = false;

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  nowMs(): number {
    return this.#time.nowMs;
  }

  random(): number {
    return this.#random.next();
  }

  get isPaused(): boolean {
    return this.#waiting !== undefined;
  }

  pause(): void {
    this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) run();
  }

  /** Nothing reaches it ever again. */
  kill(): void {
    this.#isGone = true;
  }

  /** Runs what comes from outside, once it can. */
  reach(run: () => void): void {
    if (this.#isGone) return;
    if (this.#waiting === undefined) run();
    else this.#waiting.push(run);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const takeBack = this.#time.at(ms, () => {
        this.reach(() => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
      });
      const abort = (): void => {
        takeBack();
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
