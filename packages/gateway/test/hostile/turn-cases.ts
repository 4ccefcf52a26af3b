/** What once took the event loop for itself, over HTTP against the real process, and beside it what is usual. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { send } from '../support/http.ts';
import { brotliBomb, counterBody, filledUp } from './attackers/bodies.ts';
import { Target, converse, requestBytes } from './attackers/wire.ts';
import { sized } from './campaign.ts';

export interface TurnCase {
  readonly name: string;
  /** Of the main thread, in a turn. */
  readonly goalMs: 10 | 25;
  readonly flags?: readonly string[];
  /** Keeps things in a folder; with `restart`, the measured time is that of a start on what was prepared. */
  readonly durable?: 'restart' | 'snapshot';
  /** Not measured. */
  readonly prepare?: (url: string) => Promise<void>;
  readonly work?: (url: string) => Promise<void>;
}

const MIB = 2 ** 20;
const BODY_BYTES = 16 * MIB;
const IN_PUSH = 100_000;

const many = sized(1_000_000, 100_000);
const some = sized(250_000, 50_000);
const scraped = sized(500_000, 50_000);

const byJob = ['--by-job'];
const roomy = ['--limit.series=3000000', '--limit.memory=8GiB'];

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

async function push(url: string, body: string | Buffer, path = '', method = 'POST'): Promise<void> {
  const reply = await send(url, typeof body === 'string' ? body : new Uint8Array(body), { path, method });
  const text = await reply.text();
  if (reply.status !== 202) throw new Error(`a push was answered ${reply.status}: ${text.slice(0, 300)}`);
}

async function repeat(url: string, count: number, body: Buffer): Promise<void> {
  for (let i = 0; i < count; i += 1) await push(url, body);
}

/** Refused or not. */
async function pushAnyhow(url: string, body: Buffer, headers: Record<string, string> = {}): Promise<void> {
  const reply = await send(url, new Uint8Array(body), { headers });
  await reply.text();
}

function lines(name: string, from: number, to: number, value = '1'): string {
  return times(to - from, (i) => `${name}{i="${from + i}",zone="eu"} ${value}\n`).join('');
}

/** Pushes so many series of one family, in pushes of moderate size. */
async function fill(
  url: string,
  name: string,
  series: number,
  head = '',
  value = '1',
  path = '',
): Promise<void> {
  for (let from = 0; from < series; from += IN_PUSH) {
    const body = head + lines(name, from, Math.min(from + IN_PUSH, series), value);
    await push(url, body, path === '' ? '' : `${path}/part/${from}`);
  }
}

async function scrape(url: string, headers: Record<string, string> = {}): Promise<void> {
  const reply = await fetch(`${url}/metrics`, { headers });
  for await (const _ of reply.body ?? []);
}

/** On one connection that never waits for a reply. Resolves with what stops it. */
async function makeSeriesEachMillisecond(url: string): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.resume();
  socket.on('error', () => undefined);
  let made = 0;
  const timer = setInterval(() => {
    socket.write(requestBytes('POST /metrics/', {}, `made{i="${made}"} 1\n`));
    made += 1;
  }, 1);
  return () => {
    clearInterval(timer);
    socket.destroy();
  };
}

const reversedHistograms = (): string => {
  const bounds = ['+Inf', '10', '5', '1', '0.5', '0.1'];
  const count = sized(60_000, 20_000);
  const lines = bounds.flatMap((le, at) => times(count, (i) => `h_bucket{i="${i}",le="${le}"} ${6 - at}\n`));
  return `# TYPE h histogram\n${lines.join('')}`;
};

const badEnd = Buffer.concat([Buffer.alloc(BODY_BYTES - 1, '\n'), Buffer.from('!')]);

export const turnCases: readonly TurnCase[] = [
  {
    name: 'an error behind 16 MiB of line feeds',
    goalMs: 25,
    work: (url) => pushAnyhow(url, badEnd),
  },
  {
    name: '… 20 at once, gzip',
    goalMs: 25,
    async work(url) {
      const noise = `# ${randomBytes(12_000).toString('base64')}\n`;
      const body = gzipSync(Buffer.concat([Buffer.from(noise), badEnd.subarray(2 * noise.length)]));
      await Promise.all(times(20, () => pushAnyhow(url, body, { 'Content-Encoding': 'gzip' })));
    },
  },
  {
    name: 'a long push while each millisecond makes a series',
    goalMs: 25,
    flags: roomy,
    async work(url) {
      const body = counterBody('large_total', sized(250_000, 100_000), 60);
      const stop = await makeSeriesEachMillisecond(url);
      await push(url, body);
      stop();
    },
  },
  {
    name: `${many} untyped series are told to be counters`,
    goalMs: 25,
    flags: roomy,
    prepare: (url) => fill(url, 'x', many),
    work: (url) => push(url, '# TYPE x counter\nx{i="0",zone="eu"} 1\n'),
  },
  {
    name: `DELETE of ${some} gauges, and a scrape`,
    goalMs: 25,
    flags: [...roomy, ...byJob],
    prepare: (url) => push(url, `# TYPE g gauge\n${lines('g', 0, some)}`, 'job/a', 'PUT'),
    async work(url) {
      await send(url, '', { path: 'job/a', method: 'DELETE' });
      await scrape(url);
    },
  },
  {
    name: `a PUT leaves one of ${some} gauges, and a scrape`,
    goalMs: 25,
    flags: [...roomy, ...byJob],
    prepare: (url) => push(url, `# TYPE g gauge\n${lines('g', 0, some)}`, 'job/a', 'PUT'),
    async work(url) {
      await push(url, '# TYPE g gauge\ng{i="1",zone="eu"} 1\n', 'job/a', 'PUT');
      await scrape(url);
    },
  },
  {
    name: `a snapshot with ${2 * some} spilled sums`,
    goalMs: 25,
    flags: [...roomy, '--storage.snapshot-interval=1s'],
    durable: 'snapshot',
    async work(url) {
      for (const value of ['1e200', '1', '1e-200']) await fill(url, 'x', 2 * some, '# TYPE x gauge\n', value);
      await sleep(3000);
    },
  },
  {
    name: `replay of a record of ${some} new series`,
    goalMs: 25,
    flags: [...roomy, '--storage.snapshot-interval=1h'],
    durable: 'restart',
    prepare: (url) => push(url, `# TYPE x counter\n${lines('x', 0, some)}`),
  },
  {
    name: 'histograms in reverse, 16 MiB',
    goalMs: 25,
    flags: roomy,
    work: (url) => push(url, reversedHistograms()),
  },
  {
    name: '500 brotli bombs, pipelined',
    goalMs: 25,
    async work(url) {
      const bomb = requestBytes('POST /metrics/', { 'Content-Encoding': 'br' }, brotliBomb(64 * MIB, 'a'));
      await converse(new Target(url), { requests: times(sized(500, 50), () => bomb), holdMs: 60_000 });
    },
  },
  {
    name: 'series by label, all that one may ask for',
    goalMs: 10,
    prepare: (url) => fill(url, 'x', many),
    work: async (url) => void (await (await fetch(`${url}/api/v1/status/tsdb?limit=10000`)).text()),
  },
  {
    name: 'series of a metric, all that there is space for',
    goalMs: 10,
    prepare: (url) => fill(url, 'x', many),
    work: async (url) => void (await (await fetch(`${url}/api/v1/series?match[]=x`)).text()),
  },
  {
    name: '1800 scrapes, pipelined and unread',
    goalMs: 25,
    prepare: (url) => fill(url, 'x', 50_000),
    work: (url) =>
      converse(new Target(url), {
        requests: times(1800, () => requestBytes('GET /metrics')),
        reading: 'nothing',
        holdMs: sized(4000, 1500),
      }),
  },
  {
    name: '1805 of /-/metrics, pipelined and unread',
    goalMs: 25,
    work: (url) =>
      converse(new Target(url), {
        requests: times(1805, () => requestBytes('GET /-/metrics')),
        reading: 'nothing',
        holdMs: sized(4000, 1500),
      }),
  },
  {
    name: 'usual: pushes of 2 KB',
    goalMs: 10,
    prepare: (url) => repeat(url, 500, counterBody('small_total', 20, 100)),
    work: (url) => repeat(url, sized(3000, 500), counterBody('small_total', 20, 100)),
  },
  {
    name: 'usual: pushes of 1 MiB',
    goalMs: 10,
    prepare: (url) => repeat(url, 5, counterBody('large_total', 10_000, 100)),
    work: (url) => repeat(url, sized(50, 10), counterBody('large_total', 10_000, 100)),
  },
  {
    name: `usual: scrapes of ${scraped} series in three formats, plain and gzip`,
    goalMs: 10,
    flags: roomy,
    prepare: (url) => fill(url, 'x_total', scraped, '# TYPE x_total counter\n'),
    async work(url) {
      for (const accept of [
        'text/plain; version=0.0.4',
        'application/openmetrics-text; version=1.0.0',
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      ]) {
        await scrape(url, { accept, 'accept-encoding': 'identity' });
        await scrape(url, { accept, 'accept-encoding': 'gzip' });
      }
    },
  },
  {
    name: 'usual: a body of 16 MiB in gzip',
    goalMs: 10,
    work: (url) =>
      pushAnyhow(url, gzipSync(filledUp(counterBody('x_total', 100_000, 120), BODY_BYTES)), {
        'Content-Encoding': 'gzip',
      }),
  },
];
