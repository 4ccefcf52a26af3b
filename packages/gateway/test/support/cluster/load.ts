/**
 * Senders under whom members of a cluster die. Each pushes 1 at a time, as fast as it is answered. Those with keys send each push until it is taken, by
 * any member; those without send it once, to one member, and go on with another series where they were not told 202: so of each series it
 * is known whether at most its last push may be counted.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { samplesOf } from '../http.ts';

/** Longer than requests are held. */
const TIMEOUT_MS = 30_000;
const RETRY_MS = 20;

interface Expected {
  acknowledged: number;
  /** Pushes that may be counted. */
  unknown: number;
}

export interface LoadOptions {
  readonly urls: readonly string[];
  /** How many of each. */
  readonly keyed?: number;
  readonly plain?: number;
  /** Between two pushes of a sender. */
  readonly pauseMs?: number;
  /** What the names of its senders begin with. Series of other loads are none of its business. */
  readonly name?: string;
}

export class Load {
  /** By series. */
  readonly expected = new Map<string, Expected>();
  /** Answers to pushes without keys that were not 202, by the URL that they were sent to. */
  readonly refused = new Map<string, (number | undefined)[]>();
  acknowledged = 0;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #pauseMs: number;
  readonly #name: string;
  readonly #all: Promise<void>[];
  readonly #tookMs: number[] = [];
  #isRunning = true;
  #isAbandoned = false;
  #lastMs = performance.now();
  #longestMs = 0;

  constructor({ urls, keyed = 8, plain = 8, pauseMs = 5, name = '' }: LoadOptions) {
    this.#pauseMs = pauseMs;
    this.#name = name;
    const senders = (count: number, run: (i: number) => Promise<void>): Promise<void>[] =>
      Array.from({ length: count }, (_, i) => run(i));
    this.#all = [
      ...senders(keyed, (i) => this.#pushWithKeys(`pushed_total{sender="${name}keyed ${i}"}`, urls, i)),
      ...senders(plain, (i) => this.#pushWithout(`${name}plain ${i}`, urls[i % urls.length]!)),
    ];
  }

  /** Until so many more are taken than now. */
  async goesOn(pushes = 200, timeoutMs = 60_000): Promise<void> {
    const before = this.acknowledged;
    const end = performance.now() + timeoutMs;
    while (this.acknowledged < before + pushes) {
      if (performance.now() > end)
        throw new Error(`${this.acknowledged - before} of ${pushes} pushes were taken in ${timeoutMs} ms`);
      await sleep(20);
    }
  }

  /** The longest time in which no push was taken, since this was asked last. */
  longestPauseMs(): number {
    const pause = Math.max(this.#longestMs, performance.now() - this.#lastMs);
    this.#longestMs = 0;
    this.#lastMs = performance.now();
    return Math.round(pause);
  }

  /** At the end of a test, however it went. */
  abandon(): void {
    this.#isRunning = false;
    this.#isAbandoned = true;
    this.#agent.destroy();
  }

  /** Of the replies to the newest pushes. */
  medianMs(): number {
    const newest = this.#tookMs.slice(-200).toSorted((a, b) => a - b);
    return Math.round(10 * (newest[newest.length >> 1] ?? 0)) / 10;
  }

  /** Resolves once all are answered. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#all);
    this.#agent.destroy();
  }

  /** What was answered 202 counts once. */
  expectIn(page: string): void {
    const found = samplesOf(page);
    const wrong: string[] = [];
    for (const [series, { acknowledged, unknown }] of this.expected) {
      const value = found.get(series) ?? 0;
      if (value < acknowledged || value > acknowledged + unknown)
        wrong.push(
          `${series} is ${value}, not ${acknowledged}${unknown === 0 ? '' : ` to ${acknowledged + unknown}`}`,
        );
    }
    expect(wrong).toEqual([]);
    const known = new Set(this.expected.keys());
    expect(
      [...found.keys()].filter((series) => series.includes(`sender="${this.#name}`) && !known.has(series)),
    ).toEqual([]);
  }

  /** What is acknowledged by now is in any page that is asked for from now on. Returns what checks that of one. */
  acknowledgedSoFar(): (page: string) => void {
    const before = [...this.expected].map(([series, { acknowledged }]) => ({ series, acknowledged }));
    return (page) => {
      const found = samplesOf(page);
      const old = before.filter(({ series, acknowledged }) => (found.get(series) ?? 0) < acknowledged);
      expect(
        old.map(({ series, acknowledged }) => `${series} is ${found.get(series)}, less than ${acknowledged}`),
      ).toEqual([]);
    };
  }

  async #pushWithKeys(series: string, urls: readonly string[], first: number): Promise<void> {
    const expected = this.#expect(series);
    for (let next = first; this.#isRunning;) {
      const key = randomUUID();
      while ((await this.#send(urls[next++ % urls.length]!, series, key)) !== 202) {
        if (this.#isAbandoned) return;
        await sleep(RETRY_MS);
      }
      this.#taken(expected);
      await sleep(this.#pauseMs);
    }
  }

  async #pushWithout(sender: string, url: string): Promise<void> {
    for (let attempt = 0; this.#isRunning; attempt += 1) {
      const series = `pushed_total{attempt="${attempt}",sender="${sender}"}`;
      const expected = this.#expect(series);
      while (this.#isRunning) {
        const status = await this.#send(url, series);
        if (status !== 202) {
          expected.unknown += 1;
          this.refused.set(url, [...(this.refused.get(url) ?? []), status]);
          await sleep(10 * RETRY_MS);
          break;
        }
        this.#taken(expected);
        await sleep(this.#pauseMs);
      }
    }
  }

  #expect(series: string): Expected {
    const expected = { acknowledged: 0, unknown: 0 };
    this.expected.set(series, expected);
    return expected;
  }

  #taken(expected: Expected): void {
    const now = performance.now();
    expected.acknowledged += 1;
    this.acknowledged += 1;
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs);
    this.#lastMs = now;
  }

  /** Undefined where no answer came. */
  #send(url: string, series: string, key?: string): Promise<number | undefined> {
    const startedMs = performance.now();
    const body = `# TYPE pushed_total counter\n${series} 1\n`;
    return new Promise((resolve) => {
      const ended = (status?: number): void => resolve(status);
      const outgoing = request(
        `${url}/metrics/`,
        {
          agent: this.#agent,
          method: 'POST',
          timeout: TIMEOUT_MS,
          headers: {
            'Content-Length': body.length,
            ...(key === undefined ? {} : { 'Idempotency-Key': key }),
          },
        },
        (reply) => {
          reply.on('error', () => ended());
          reply.on('end', () => {
            this.#tookMs.push(performance.now() - startedMs);
            ended(reply.statusCode);
          });
          reply.resume();
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => ended());
      outgoing.end(body);
    });
  }
}
