/**
 * One who pushes every 100 ms and one who scrapes every 5 s, as they should: under a key for each push, repeated until it is acknowledged.
 * Both know what the page must show.
 */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';

import { samplesOf } from '../support/http.ts';

const PUSH_EVERY_MS = 100;
const SCRAPE_EVERY_MS = 5_000;
const RETRY_MS = 100;
const TIMEOUT_MS = 60_000;

/** Pushes under way at one time; a gateway that stands still is seen in their latencies. */
const INSTANCES = 64;
const HANDLERS = 14;
const BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

/** What one instance has observed since the beginning, all whole numbers, so that sums are exact. */
interface Observed {
  count: number;
  sum: number;
  readonly buckets: number[];
}

export interface HonestFigures {
  readonly acknowledged: number;
  /** From the first attempt to the acknowledgement, ascending. */
  readonly latenciesMs: readonly number[];
  /** Replies other than 202, and none at all, by status. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly scrapesMs: readonly number[];
  readonly scrapeRefusals: Readonly<Record<string, number>>;
  /** What a scrape showed that it must not. */
  readonly wrong: readonly string[];
}

export class HonestClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #byJob: boolean;
  /** By-job mode counts what each says last, so each instance pushes one after the other. */
  readonly #instances = Array.from({ length: INSTANCES }, () => ({ isBusy: false, observed: nothing() }));
  readonly #acknowledged = nothing();
  readonly #latenciesMs: number[] = [];
  readonly #refusals: Record<string, number> = {};
  readonly #scrapesMs: number[] = [];
  readonly #scrapeRefusals: Record<string, number> = {};
  readonly #wrong: string[] = [];
  readonly #key: string;
  #pushes = 0;
  #isOver = false;

  constructor(byJob: boolean, key: string) {
    this.#byJob = byJob;
    this.#key = key;
  }

  /** Until `isOver` says so, and then until each push under way is acknowledged, or `isGone`. */
  async run(url: string, isOver: () => boolean, isGone: () => boolean): Promise<void> {
    const pushes: Promise<void>[] = [];
    const scraping = this.#scrapeUntilOver(url, isGone);
    for (let due = performance.now(); !isOver() && !isGone(); due += PUSH_EVERY_MS) {
      const instance = this.#instances.find(({ isBusy }) => !isBusy);
      if (instance !== undefined) pushes.push(this.#push(url, instance, isGone));
      await sleep(Math.max(0, due + PUSH_EVERY_MS - performance.now()));
    }
    await Promise.all(pushes);
    this.#isOver = true;
    await scraping;
  }

  figures(): HonestFigures {
    return {
      acknowledged: this.#acknowledged.count,
      latenciesMs: this.#latenciesMs.toSorted((a, b) => a - b),
      refusals: this.#refusals,
      scrapesMs: this.#scrapesMs.toSorted((a, b) => a - b),
      scrapeRefusals: this.#scrapeRefusals,
      wrong: this.#wrong,
    };
  }

  /** What the page shows otherwise than it was acknowledged; none when it is exact. */
  async wrongSamples(url: string): Promise<string[]> {
    const page = await this.#exposition(url, 5 * TIMEOUT_MS);
    if (page === undefined) return ['no page'];
    const samples = samplesOf(
      page
        .split('\n')
        .filter((line) => line.startsWith('honest_'))
        .join('\n'),
    );
    return [...expectedSamples(this.#acknowledged)]
      .filter(([series, value]) => samples.get(series) !== value)
      .map(([series, value]) => `${series} is ${samples.get(series)} and ${value} was acknowledged`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #push(
    url: string,
    instance: { isBusy: boolean; observed: Observed },
    isGone: () => boolean,
  ): Promise<void> {
    instance.isBusy = true;
    const number = this.#pushes;
    this.#pushes += 1;
    const change = observe(nothing(), (number * 37) % 600);
    const now = add(add(nothing(), instance.observed), change);
    const body = Buffer.from(bodyOf(this.#byJob ? now : change));
    const path = this.#byJob ? `job/honest/instance/${this.#instances.indexOf(instance as never)}` : '';
    const began = performance.now();
    for (;;) {
      const status = await this.#post(
        `${url}/metrics/${path}`,
        body,
        `${this.#key}-${number}`,
        number % 2 === 1,
      );
      if (status === '202') break;
      if (isGone()) return;
      this.#refusals[status] = (this.#refusals[status] ?? 0) + 1;
      await sleep(RETRY_MS);
    }
    this.#latenciesMs.push(performance.now() - began);
    instance.observed = now;
    add(this.#acknowledged, change);
    instance.isBusy = false;
  }

  #post(url: string, body: Buffer, key: string, isGzip: boolean): Promise<string> {
    const bytes = isGzip ? gzipSync(body) : body;
    const headers = {
      'Content-Length': bytes.length,
      'Idempotency-Key': key,
      ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
    };
    return new Promise((resolve) => {
      const outgoing = request(
        url,
        { agent: this.#agent, method: 'POST', timeout: TIMEOUT_MS, headers },
        (reply) => {
          reply.on('error', () => resolve('cut'));
          reply.on('end', () => resolve(String(reply.statusCode)));
          reply.resume();
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'no reply'));
      outgoing.end(bytes);
    });
  }

  async #scrapeUntilOver(url: string, isGone: () => boolean): Promise<void> {
    while (!this.#isOver && !isGone()) {
      const before = this.#acknowledged.count;
      const began = performance.now();
      const page = await this.#exposition(url, TIMEOUT_MS);
      if (page !== undefined) {
        this.#scrapesMs.push(performance.now() - began);
        const shown = samplesOf(
          page
            .split('\n')
            .filter((line) => line.startsWith('honest_seconds_count'))
            .join('\n'),
        );
        const count = shown.get('honest_seconds_count') ?? 0;
        if (count < before)
          this.#wrong.push(`a scrape shows ${count} of ${before} that were acknowledged before it`);
      }
      for (let ms = 0; ms < SCRAPE_EVERY_MS && !this.#isOver && !isGone(); ms += 100) await sleep(100);
    }
  }

  #exposition(url: string, timeoutMs: number): Promise<string | undefined> {
    const refused = (why: string): undefined =>
      void (this.#scrapeRefusals[why] = (this.#scrapeRefusals[why] ?? 0) + 1);
    return new Promise((resolve) => {
      const headers = { 'Accept-Encoding': 'gzip' };
      const outgoing = request(
        `${url}/metrics`,
        { agent: this.#agent, headers, timeout: timeoutMs },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on('error', () => resolve(refused('cut')));
          reply.on('data', (chunk: Buffer) => chunks.push(chunk));
          reply.on('end', () => {
            if (reply.statusCode === 200) resolve(decoded(reply, Buffer.concat(chunks)));
            else resolve(refused(String(reply.statusCode)));
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(refused(error.code ?? 'no reply')));
      outgoing.end();
    });
  }
}

function decoded(reply: IncomingMessage, bytes: Buffer): string {
  return (reply.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
}

function nothing(): Observed {
  return { count: 0, sum: 0, buckets: BOUNDS.map(() => 0) };
}

function observe(observed: Observed, value: number): Observed {
  observed.count += 1;
  observed.sum += value;
  BOUNDS.forEach((bound, i) => (observed.buckets[i] = (observed.buckets[i] ?? 0) + (value <= bound ? 1 : 0)));
  return observed;
}

function add(observed: Observed, other: Observed): Observed {
  observed.count += other.count;
  observed.sum += other.sum;
  BOUNDS.forEach((_, i) => (observed.buckets[i] = (observed.buckets[i] ?? 0) + (other.buckets[i] ?? 0)));
  return observed;
}

/** About 2 KB. */
function bodyOf(observed: Observed): string {
  const of = (name: string): string =>
    [...expectedSamples(observed)]
      .filter(([series]) => series.startsWith(name))
      .map(([series, value]) => `${series} ${value}\n`)
      .join('');
  return (
    `# HELP honest_requests_total Requests that were answered.\n# TYPE honest_requests_total counter\n${of('honest_requests')}` +
    `# HELP honest_seconds How long they took.\n# TYPE honest_seconds histogram\n${of('honest_seconds')}`
  );
}

/** Labels sorted, as the page has them. */
function expectedSamples({ count, sum, buckets }: Observed): Map<string, number> {
  const samples = new Map<string, number>();
  for (let i = 0; i < HANDLERS; i += 1) {
    samples.set(
      `honest_requests_total{code="200",handler="/api/v1/warehouse/items/${i}",method="GET"}`,
      count * (i + 1),
    );
  }
  BOUNDS.forEach((bound, i) => samples.set(`honest_seconds_bucket{le="${bound}"}`, buckets[i] ?? 0));
  samples.set('honest_seconds_bucket{le="+Inf"}', count);
  samples.set('honest_seconds_sum', sum);
  samples.set('honest_seconds_count', count);
  return samples;
}
