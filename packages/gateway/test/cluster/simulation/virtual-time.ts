/** Time that passes only when everybody waits for it, from one event to the next. */
import type { Timing } from '../../../src/cluster/timing.ts';
import type { Random } from './random.ts';

interface Event {
  readonly atMs: number;
  /** Undefined once it was taken back. */
  run: (() => void) | undefined;
}

/** Real turns in which what an event has begun may go on. */
const TURNS = 6;

export class VirtualTime {
  nowMs = 0;
  /** Whether turns of the event loop are part of it (virtual-loop.ts). Where they are real, some pass after each event. */
  hasLoop = false;
  /** Of which all is that goes on until the next event: so timers are known by whose they are. */
  current: VirtualProcess | undefined;
  /** The next one is the last. */
  readonly #events: Event[] = [];
  /** What waits for the next turn of the event loop. */
  #turn: Event[] = [];

  /** Returns what takes it back. */
  at(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.nowMs + Math.max(0, delayMs), run };
    const events = this.#events;
    let low = 0;
    for (let high = events.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (events[middle]!.atMs > event.atMs) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
    return () => (event.run = undefined);
  }

  /** The same in the next turn of the event loop, before any time passes. */
  soon(run: () => void): () => void {
    const event: Event = { atMs: this.nowMs, run };
    this.#turn.push(event);
    return () => (event.run = undefined);
  }

  /** Lets so much of it pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.#settle();
    for (;;) {
      const event = this.#events.at(-1);
      if (event === undefined || event.atMs > endMs) break;
      this.#events.pop();
      if (event.run === undefined) continue;
      this.nowMs = event.atMs;
      this.current = undefined;
      event.run();
      await this.#settle();
    }
    this.nowMs = endMs;
  }

  /** Lets all go on that can without time. */
  async #settle(): Promise<void> {
    for (let left = TURNS; !this.hasLoop && left > 0; left -= 1)
      await new Promise<void>((resolve) => void setImmediate(resolve));
    for (;;) {
      await promisesDone();
      if (this.#turn.length === 0) return;
      const turn = this.#turn;
      this.#turn = [];
      for (const { run } of turn) run?.();
    }
  }
}

/** Resolves when no promise is left that could go on: those come before what waits for the next tick. */
function promisesDone(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** A process that can be stopped for a while, as by SIGSTOP: nothing reaches it meanwhile, and it notices nothing. */
export class VirtualProcess implements Timing {
  readonly #time: VirtualTime;
  readonly #random: Random;
  #waiting: (() => void)[] | undefined;
  isGone = false;

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
    for (const run of waiting) this.reach(run);
  }

  /** Nothing reaches it ever again. */
  kill(): void {
    this.isGone = true;
  }

  /** Runs what comes from outside, once it can. */
  reach(run: () => void): void {
    if (this.isGone) return;
    if (this.#waiting !== undefined) {
      this.#waiting.push(run);
      return;
    }
    this.#time.current = this;
    run();
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
