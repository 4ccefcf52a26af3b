/**
 * The longest turn of the event loop in changes of the state that are as large as one sender can make them, and in starting and
 * saving a large state. What is built beforehand is not measured.
 */
import { mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers';

import { assembleDurable } from '../../src/assemble.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { ListRequest } from '../../src/gateway/api.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { defaultHttpOptions } from '../../src/http/options.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { defaultStorageOptions } from '../../src/journal/options.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { memoryOfMachine } from '../../src/primitives/memory.ts';

export interface LongestTurn {
  readonly name: string;
  /** Of the main thread, or a little more (see `cpuClock`). */
  readonly cpuMs: number;
  /** By the clock, the garbage collector and whatever else the machine did included. */
  readonly wallMs: number;
}

type Options = Partial<GatewayOptions> & { readonly rules?: Rules };

interface Case {
  readonly name: string;
  readonly options?: Options;
  /** Makes the state. */
  readonly build: (gateway: Gateway) => Promise<void>;
  /** Options of a start that comes between; the work begins with it where this is given. */
  readonly restart?: Options;
  /** Prepares what is measured: bodies are made before. */
  readonly work?: () => (gateway: Gateway) => Promise<unknown>;
}

const SERIES_IN_PUSH = 50_000;
const SETTLING_MS = 200;

/** Runs every case, or those whose names hold a text; `scale` makes them smaller. */
export async function stateTurns({ only = '', scale = 1 } = {}): Promise<LongestTurn[]> {
  const turns: LongestTurn[] = [];
  for (const each of casesOf(scale)) if (each.name.includes(only)) turns.push(await turnOf(each));
  return turns;
}

/** Lists that are as large as they may be, or that many series are held against selectors for. */
function listingsOf(series: number): readonly Case[] {
  const selector = '{i=~".*[05]",i!~"1.*"}';
  const requests: readonly (readonly [string, ListRequest])[] = [
    ['values of a label', { what: 'values', label: 'i', match: [], limit: Infinity }],
    ['values by a selector', { what: 'values', label: 'i', match: [selector], limit: Infinity }],
    ['names of labels', { what: 'labels', match: [], limit: Infinity }],
    ['series of a metric', { what: 'series', match: ['x'], limit: Infinity }],
    ['series by selectors that match none', { what: 'series', match: ['{j="1"}', '{i=~".*-"}'], limit: 1 }],
  ];
  return requests.map(([name, request]) => ({
    name: `${name}, of a million`,
    build: (g) => fill(g, 'x', series, { head: '# TYPE x counter\n' }),
    work: () => async (g) => void (await g.list(request)),
  }));
}

function casesOf(scale: number): readonly Case[] {
  const many = 1_000_000 * scale;
  const some = 250_000 * scale;
  const byJob = { byJob: true };
  const declare = (type: string) => () => {
    const series = type === 'histogram' ? 'x_bucket{le="+Inf"}' : 'x{i="0"}';
    return pushing(`# TYPE x ${type}\n${series} 1\n`, 'job/b');
  };
  return [
    { name: 'retype untyped to counter', build: (g) => fill(g, 'x', many), work: declare('counter') },
    { name: 'retype untyped to histogram', build: (g) => fill(g, 'x', many), work: declare('histogram') },
    {
      name: 'retype untyped, by-job',
      options: byJob,
      build: (g) => fill(g, 'x', many, { path: (from) => `job/a/part/${from}` }),
      work: declare('counter'),
    },
    {
      name: 'retype untyped of 20 000 sources',
      options: byJob,
      build: async (g) => {
        for (let s = 0; s < 20_000 * scale; s += 1)
          await push(g, lines('x', s * 10, s * 10 + 20), `job/${s}`);
      },
      work: declare('histogram'),
    },
    {
      name: 'start times after all',
      build: (g) => fill(g, 'x_created', some, { head: '# TYPE x_created gauge\n' }),
      work: () => {
        const numbers = Array.from({ length: some }, (_, i) => i);
        const counters = numbers.map((i) => `x_total{i="${i}"} 1\n`).join('');
        const starts = numbers.map((i) => `x_created{i="${i}"} 1.6e9\n`).join('');
        return pushing(`# TYPE x_total counter\n${counters}# TYPE x_created gauge\n${starts}`);
      },
    },
    {
      name: 'DELETE of gauges, and the next scrape',
      options: byJob,
      build: (g) => fill(g, 'g', some, { head: '# TYPE g gauge\n', path: () => 'job/a' }),
      work: () => async (g) => {
        await g.delete(parsePushPath('job/a'));
        await scrape(g);
      },
    },
    {
      name: 'shrinking PUT, and the next scrape',
      options: byJob,
      build: (g) => fill(g, 'g', some, { head: '# TYPE g gauge\n', path: () => 'job/a' }),
      work: () => async (g) => {
        await push(g, '# TYPE g gauge\ng{i="1"} 1\n', 'job/a', 'PUT');
        await scrape(g);
      },
    },
    {
      name: 'PUT of other gauges',
      options: byJob,
      build: (g) => push(g, `# TYPE g gauge\n${lines('g', 0, some)}`, 'job/a', 'PUT'),
      work: () => pushing(`# TYPE g gauge\n${lines('g', some, some * 2)}`, 'job/a', 'PUT'),
    },
    {
      name: 'PUT of the same 250 000, other values',
      options: byJob,
      build: (g) => push(g, `# TYPE g gauge\n${lines('g', 0, some)}`, 'job/a', 'PUT'),
      work: () => pushing(`# TYPE g gauge\n${lines('g', 0, some, '11')}`, 'job/a', 'PUT'),
    },
    {
      name: 'PUT of histograms, accumulate',
      options: { byJob: true, jobCounterResets: 'accumulate' },
      build: (g) => push(g, histograms(some / 4), 'job/a', 'PUT'),
      work: () => pushing(histograms(some / 4), 'job/a', 'PUT'),
    },
    {
      name: 'expiry of one huge source',
      options: { byJob: true, jobForgetDurationMs: 2_000 },
      build: (g) => fill(g, 'g', many, { head: '# TYPE g gauge\n', path: () => 'job/a' }),
      work: () => async (g) => {
        await wait(2_500);
        await scrape(g);
      },
    },
    {
      name: 'freed numbers used again',
      options: byJob,
      build: async (g) => {
        await fill(g, 'g', many, { head: '# TYPE g gauge\n', path: () => 'job/a' });
        await g.delete(parsePushPath('job/a'));
      },
      work: () => pushing('y 1\n', 'job/b'),
    },
    {
      name: 'scrape of 5 million samples',
      build: (g) => fill(g, 'x', many * 5, { head: '# TYPE x counter\n' }),
      work: () => scrape,
    },
    {
      name: 'series by label, of a million',
      build: (g) => fill(g, 'x', many, { head: '# TYPE x counter\n' }),
      work: () => async (g) => void (await g.statistics()),
    },
    ...listingsOf(many),
    {
      name: 'series by label, of long values',
      build: async (g) => {
        for (let from = 0; from < some / 50; from += 1_000) {
          const numbers = Array.from({ length: 1_000 }, (_, i) => from + i);
          await push(g, numbers.map((i) => `x{i="${i}${'\\"y'.repeat(4_000)}"} 1\n`).join(''));
        }
      },
      work: () => async (g) => void (await g.statistics()),
    },
    {
      name: 'new series past a million, 1 000 at a time',
      build: (g) => fill(g, 'x', many, { head: '# TYPE x counter\n' }),
      work: () => {
        const bodies: Buffer[] = [];
        for (let from = many; from < many * 1.5; from += 1_000)
          bodies.push(Buffer.from(`# TYPE x counter\n${lines('x', from, from + 1_000)}`));
        return async (g) => {
          for (const body of bodies) await push(g, body);
        };
      },
    },
    {
      name: 'a push of 250 000 new series',
      build: async () => {},
      work: () => pushing(`# TYPE x counter\n${lines('x', 0, some)}`),
    },
    {
      name: 'snapshot with 500 000 spilled sums',
      build: async (g) => {
        for (const value of ['1e200', '1', '1e-200'])
          await fill(g, 'x', some * 2, { head: '# TYPE x gauge\n', value });
      },
      work: () => (g) => g.snapshots.take(),
    },
    {
      name: 'snapshot of a million series, by-job',
      options: byJob,
      build: (g) => fill(g, 'x', many, { head: '# TYPE x counter\n', path: (from) => `job/a/part/${from}` }),
      work: () => (g) => g.snapshots.take(),
    },
    {
      name: 'replay of a record of 250 000 new series',
      build: (g) => push(g, `# TYPE x counter\n${lines('x', 0, some)}`),
      restart: {},
    },
    {
      name: 'replay of a DELETE of gauges',
      options: byJob,
      build: async (g) => {
        await fill(g, 'g', some, { head: '# TYPE g gauge\n', path: () => 'job/a' });
        await g.delete(parsePushPath('job/a'));
      },
      restart: byJob,
    },
    {
      name: 'restore of a million series',
      build: async (g) => {
        await fill(g, 'x', many, { head: '# TYPE x counter\n' });
        await g.snapshots.take();
      },
      restart: {},
    },
    {
      name: 'restore of a million series, by-job',
      options: byJob,
      build: async (g) => {
        await fill(g, 'x', many, { head: '# TYPE x counter\n', path: () => 'job/a' });
        await g.snapshots.take();
      },
      restart: byJob,
    },
    {
      name: 'a million gauges of which a window moves on, and then go',
      options: { rules: windowsOf('20s') },
      build: async (g) => {
        await fill(g, 'g', many, { head: '# TYPE g gauge\n', value: '7' });
        await fill(g, 'g', many, { head: '# TYPE g gauge\n', value: '3' });
      },
      work: () => async (g) => {
        for (let s = 0; s < 30; s += 1) {
          await wait(1_000);
          if (g.holdings().series === 0) return;
        }
        throw new Error(`${g.holdings().series} gauges are left`);
      },
    },
    {
      name: 'other windows for a million gauges',
      options: { rules: windowsOf('1h') },
      build: (g) => fill(g, 'g', many, { head: '# TYPE g gauge\n' }),
      work: () => (g) => g.setRules(windowsOf('2h')),
    },
    {
      name: 'snapshot of a million gauges with windows, which are pushed meanwhile',
      options: { rules: windowsOf('1h') },
      build: (g) => fill(g, 'g', many, { head: '# TYPE g gauge\n' }),
      work: () => {
        const bodies: Buffer[] = [];
        for (let from = 0; from < many; from += 1_000)
          bodies.push(Buffer.from(`# TYPE g gauge\n${lines('g', from, from + 1_000)}`));
        return async (g) => {
          const taken = g.snapshots.take();
          for (const body of bodies) await push(g, body);
          await taken;
        };
      },
    },
    {
      name: 'restore of a million gauges with windows',
      options: { rules: windowsOf('1h') },
      build: async (g) => {
        await fill(g, 'g', many, { head: '# TYPE g gauge\n' });
        await g.snapshots.take();
      },
      restart: { rules: windowsOf('1h') },
    },
    {
      name: 'a start by other rules',
      options: byJob,
      build: async (g) => {
        await fill(g, 'g', some, { head: '# TYPE g gauge\n', path: () => 'job/a' });
        await g.snapshots.take();
      },
      restart: {},
    },
    {
      name: 'a start by other rules for what gauges show',
      options: byJob,
      build: async (g) => {
        await fill(g, 'g', many, { head: '# TYPE g gauge\n', path: () => 'job/a' });
        await g.snapshots.take();
      },
      restart: { ...byJob, rules: gaugeRules },
    },
    {
      name: 'restore of a million gauges of which the newest is shown',
      options: { ...byJob, rules: gaugeRules },
      build: async (g) => {
        await fill(g, 'g', many, { head: '# TYPE g gauge\n', path: () => 'job/a' });
        await g.snapshots.take();
      },
      restart: { ...byJob, rules: gaugeRules },
    },
  ];
}

/** The largest of a window for all gauges. */
const windowsOf = (window: string): Rules =>
  readRules(JSON.stringify({ metrics: [{ gauge: 'max', window }] })).rules!;

/** Expressions that no series meets, and the last value for all. */
const gaugeRules = readRules(
  JSON.stringify({
    metrics: [
      ...Array.from({ length: 200 }, (_, rule) => ({ match: `g{i=~"[0-9]+x${rule}"}`, gauge: 'max' })),
      { gauge: 'last' },
    ],
  }),
).rules!;

async function turnOf({ name, options = {}, build, restart, work }: Case): Promise<LongestTurn> {
  const path = mkdtempSync(join(tmpdir(), 'turns-'));
  try {
    let gateway = await opened(path, options);
    await build(gateway);
    const measured = work?.();
    // What building has left for the collector is not part of it.
    await wait(SETTLING_MS);
    globalThis.gc?.();
    let longest: Omit<LongestTurn, 'name'> | undefined;
    if (restart !== undefined) {
      await gateway.close();
      longest = await longestTurn(async () => void (gateway = await opened(path, restart)));
    }
    if (measured !== undefined) longest = await longestTurn(() => measured(gateway));
    await gateway.close();
    return { name, ...longest! };
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

async function opened(path: string, { rules, ...options }: Options): Promise<Gateway> {
  const { gateway } = await assembleDurable({
    rules,
    gatewayOptions: { ...defaultGatewayOptions, ...options },
    httpOptions: defaultHttpOptions,
    memoryBytes: memoryOfMachine(),
    clock: systemClock,
    log: silentLog,
    storage: { ...defaultStorageOptions, path, snapshotIntervalMs: 3_600_000 },
    onFailure: (error) => {
      throw error;
    },
  });
  await gateway.open(3_600_000, { acceptModeChange: true });
  return gateway;
}

/** The longest time in which nobody else had a turn while `work` was under way. */
export async function longestTurn(work: () => Promise<unknown>): Promise<{ cpuMs: number; wallMs: number }> {
  let wallMs = 0;
  let cpuMs = 0;
  let isDone = false;
  const used = cpuClock();
  let atMs = performance.now();
  used();
  const look = (): void => {
    const nowMs = performance.now();
    wallMs = Math.max(wallMs, nowMs - atMs);
    cpuMs = Math.max(cpuMs, Math.min(nowMs - atMs, used()));
    atMs = nowMs;
    if (!isDone) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isDone = true;
  look();
  return { cpuMs, wallMs };
}

/** The system counts what a thread has used when it is interrupted, at least this often. */
const TICK_MS = 4;

/**
 * Tells milliseconds of CPU since it was last asked: of the process, helpers of the garbage collector included, or of the main thread and
 * a tick, if that is less.
 */
function cpuClock(): () => number {
  const thread = threadClock();
  let sinceCpu = process.cpuUsage();
  let threadMs = thread?.() ?? 0;
  return () => {
    const { user, system } = process.cpuUsage(sinceCpu);
    sinceCpu = process.cpuUsage();
    const before = threadMs;
    threadMs = thread?.() ?? Number.POSITIVE_INFINITY;
    return Math.min((user + system) / 1000, threadMs - before + TICK_MS);
  };
}

/** Milliseconds that the main thread has been on a processor, where Linux tells it. */
function threadClock(): (() => number) | undefined {
  const bytes = Buffer.alloc(64);
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    return () => {
      readSync(file, bytes, 0, bytes.length, 0);
      return Number.parseInt(bytes.toString('latin1'), 10) / 1e6;
    };
  } catch {
    return undefined;
  }
}

interface Filling {
  readonly head?: string;
  readonly value?: string;
  readonly path?: (from: number) => string;
}

/** Pushes so many series of one family, in pushes of a moderate size. */
async function fill(
  gateway: Gateway,
  name: string,
  series: number,
  { head = '', value = '1', path = () => 'job/a' }: Filling = {},
): Promise<void> {
  for (let from = 0; from < series; from += SERIES_IN_PUSH) {
    const body = head + lines(name, from, Math.min(from + SERIES_IN_PUSH, series), value);
    await push(gateway, body, path(from));
  }
}

function lines(name: string, from: number, to: number, value = '1'): string {
  const all: string[] = [];
  for (let i = from; i < to; i += 1) all.push(`${name}{i="${i}"} ${value}\n`);
  return all.join('');
}

function histograms(count: number): string {
  const all = ['# TYPE h histogram\n'];
  for (let i = 0; i < count; i += 1)
    all.push(
      `h_bucket{i="${i}",le="1"} 1\nh_bucket{i="${i}",le="+Inf"} 2\nh_sum{i="${i}"} 3\nh_count{i="${i}"} 2\n`,
    );
  return all.join('');
}

function pushing(text: string, path?: string, method?: 'POST' | 'PUT'): (gateway: Gateway) => Promise<void> {
  const body = Buffer.from(text);
  return (gateway) => push(gateway, body, path, method);
}

async function push(
  gateway: Gateway,
  body: string | Buffer,
  path = 'job/a',
  method: 'POST' | 'PUT' = 'POST',
): Promise<void> {
  await gateway.push({
    method,
    key: parsePushPath(path),
    format: 'text',
    body: typeof body === 'string' ? Buffer.from(body) : body,
    idempotencyKey: undefined,
  });
}

async function scrape(gateway: Gateway): Promise<void> {
  let bytes = 0;
  for await (const slice of gateway.scrape()) bytes += slice.length;
  if (bytes < 0) throw new Error('nothing was scraped');
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
