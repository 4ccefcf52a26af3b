/**
 * How long a commit waits for company. Each costs two ways to another thread and a trip to the disk, whoever shares it; and where
 * senders wait for their replies, those whom a commit has released come back while the next one is under way, so that two groups go by
 * turns, each half as large as one could be.
 *
 *   a commit of 8 ends while 8 more wait  ─▶  16 are expected  ─▶  the next begins when 16 wait, or time is up
 *
 * Only time counts in which the event loop had nothing to do: while it reads pushes, there is something better to do than to begin a
 * commit. That work may bring no record, and go on, so after 25 milliseconds the commit begins all the same. Half as long as a commit
 * takes is what may be lost, and never more than two milliseconds; timers are no finer than one. Who comes alone expects nobody and never
 * waits. Where those expected stay away, the next commits begin at once, twice as many each time.
 */
import { performance } from 'node:perf_hooks';

const shareOfCommit = 1 / 2;
const waitMsMax = 2;
/** However much there is to do: it may be nothing that brings a record, such as pages, or one long push, and it may go on. */
const busyMsMax = 25;
const timerMsMin = 1;
/** Whoever was released so long ago does not come back at once. */
const memoryMs = 50;
const missesMax = 10;
/** Of a new measurement. One slow commit says little of the next. */
const weight = 1 / 8;
const timesSlowerMax = 4;

interface WindowClock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Milliseconds in which the event loop has waited, since any fixed moment. */
  idle(): number;
}

const systemClock: WindowClock = {
  now: () => performance.now(),
  idle: () => performance.eventLoopUtilization().idle,
};

export class GroupWindow {
  /** With so many records there is nothing to wait for. */
  expected = 1;
  /** Of a commit. */
  #usualMs = 0;
  #endedAt = -Infinity;
  /** What the clock said of idle time when the wait began; undefined when none is under way. */
  #idleAt: number | undefined = undefined;
  /** And what of the time. */
  #waitsSince = 0;
  /** How often in a row nobody came, and how many commits are not to wait for that. */
  #misses = 0;
  #unwaited = 0;
  readonly #clock: WindowClock;

  constructor(clock: WindowClock = systemClock) {
    this.#clock = clock;
  }

  /** A commit of so many records has taken `ms`; so many have come meanwhile. */
  ended(ms: number, records: number, waiting: number): void {
    const usual = this.#usualMs;
    this.#usualMs = usual === 0 ? ms : usual + (Math.min(ms, usual * timesSlowerMax) - usual) * weight;
    this.#endedAt = this.#clock.now();
    this.expected = records + waiting;
    if (this.#unwaited > 0) this.#unwaited -= 1;
  }

  /** Asked at the end of a turn while so many records wait: 0, the commit begins; otherwise when to ask again, if not all have come before. */
  pauseMs(waiting: number): number {
    const isFull = waiting >= this.expected;
    if (this.#idleAt === undefined) {
      if (isFull || this.#unwaited > 0 || this.#clock.now() - this.#endedAt > memoryMs) return 0;
      this.#idleAt = this.#clock.idle();
      this.#waitsSince = this.#clock.now();
    }
    const leftMs = Math.min(this.#usualMs * shareOfCommit, waitMsMax) - (this.#clock.idle() - this.#idleAt);
    const isOverdue = this.#clock.now() - this.#waitsSince >= busyMsMax;
    if (!isFull && leftMs > 0 && !isOverdue) return Math.max(leftMs, timerMsMin);
    this.#idleAt = undefined;
    this.#judge(isFull && leftMs >= 0);
    return 0;
  }

  #judge(hasPaid: boolean): void {
    this.#misses = hasPaid ? 0 : Math.min(this.#misses + 1, missesMax);
    this.#unwaited = hasPaid ? 0 : 2 ** this.#misses;
  }
}
