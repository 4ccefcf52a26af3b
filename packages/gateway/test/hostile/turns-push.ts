/** Pushes that once took the event loop for themselves, and the longest turn that each takes now. Figures, no assertions. */
import { openSync, readSync } from 'node:fs';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';

export interface TurnFigures {
  readonly name: string;
  /** Of the longest turn: CPU time of the main thread, and wall time, which counts other processes too. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

interface Case {
  readonly name: string;
  /** Made before the clocks run. */
  readonly body: () => Buffer;
  readonly options?: Parameters<EmbeddedGateway['push']>[1];
  /** What is there before: the same push, for one that repeats what is known. */
  readonly isKnown?: boolean;
  readonly isShort?: boolean;
  /** How it is to end; left out where either is as good. */
  readonly ends?: 'taken' | 'refused';
  /** Instead of one push. */
  readonly run?: (gateway: EmbeddedGateway, body: Buffer) => Promise<unknown>;
}

const MIB = 1024 * 1024;
const BODY_BYTES = 16 * MIB;

/** Runs each case with a gateway of its own; only those whose name has `only` in it. */
export async function pushTurns(only = ''): Promise<TurnFigures[]> {
  const figures: TurnFigures[] = [];
  for (const one of cases()) if (one.name.includes(only)) figures.push(await measured(one));
  return figures;
}

async function measured(one: Case): Promise<TurnFigures> {
  const body = one.body();
  // A gateway that has been running has its code compiled.
  for (let left = one.isShort === true ? 5 : 0; left > 0; left -= 1)
    await createGateway().push(body, one.options);
  const gateway = createGateway();
  if (one.isKnown === true) await gateway.push(body, one.options);
  // What making the body left behind is not the push's.
  globalThis.gc?.();
  const watch = watchTurns();
  const done = one.run?.(gateway, body) ?? gateway.push(body, one.options);
  const ended = await done.then(
    () => 'taken',
    () => 'refused',
  );
  const { cpuMs, wallMs } = watch.stop();
  if (one.ends !== undefined && ended !== one.ends) throw new Error(`${one.name}: was ${ended}`);
  await gateway.close();
  return { name: one.name, cpuMs, wallMs };
}

/** CPU time of the main thread, in milliseconds: a collector's and compiler's threads hold nobody up. Of all threads where it is not told. */
function mainThreadCpu(): () => number {
  let file: number | undefined;
  try {
    file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    file = undefined;
  }
  const bytes = Buffer.alloc(64);
  return () => {
    if (file !== undefined) {
      const length = readSync(file, bytes, 0, bytes.length, 0);
      return Number.parseInt(bytes.toString('latin1', 0, length), 10) / 1e6;
    }
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
}

const cpuNow = mainThreadCpu();

/** Looks at the clocks once in each turn of the event loop. */
function watchTurns(): { stop(): { readonly cpuMs: number; readonly wallMs: number } } {
  let cpuMs = 0;
  let wallMs = 0;
  let isOver = false;
  let cpuBefore = cpuNow();
  let wallBefore = performance.now();
  const look = (): void => {
    const cpu = cpuNow();
    const wall = performance.now();
    cpuMs = Math.max(cpuMs, cpu - cpuBefore);
    wallMs = Math.max(wallMs, wall - wallBefore);
    cpuBefore = cpu;
    wallBefore = wall;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  return {
    stop() {
      isOver = true;
      look();
      return { cpuMs, wallMs };
    },
  };
}

function repeated(text: string, bytes = BODY_BYTES): Buffer {
  return Buffer.alloc(bytes, text);
}

function withEnd(body: Buffer, end: string): Buffer {
  return Buffer.concat([body, Buffer.from(end)]);
}

function lines(count: number, line: (i: number) => string, head = '', end = ''): Buffer {
  const pieces = [head];
  for (let i = 0; i < count; i += 1) pieces.push(line(i));
  pieces.push(end);
  return Buffer.from(pieces.join(''));
}

/** Messages of protobuf: each a family of the same name, without metrics. */
const emptyFamily = Buffer.from([3, 0x0a, 1, 0x61]);

const openmetrics = { format: 'openmetrics' } as const;
const protobuf = { format: 'protobuf' } as const;

function cases(): Case[] {
  return [...errorCases(), ...settlingCases(), ...shortCases(), ...otherCases()];
}

function errorCases(): Case[] {
  const bad = (name: string, body: () => Buffer, options = {}): Case => ({
    name,
    body,
    options,
    ends: 'refused',
  });
  const long = (head: string, byte: string) => () => Buffer.concat([Buffer.from(head), repeated(byte)]);
  return [
    bad('error behind 16 MiB of line feeds', () => withEnd(repeated('\n'), '!')),
    {
      ...bad('the same, 20 at once', () => withEnd(repeated('\n'), '!')),
      run: (gateway, body) => Promise.all(Array.from({ length: 20 }, () => gateway.push(body))),
    },
    bad('error behind 16 MiB of comments', () => withEnd(repeated('# a\n'), '!')),
    bad('one line of 16 MiB: blanks', long('', ' ')),
    bad('one line of 16 MiB: a name', long('', 'a')),
    bad('one line of 16 MiB: a label', long('a{b="', 'b')),
    bad('one line of 16 MiB: HELP', long('# HELP a ', 'b')),
    bad('one line of 16 MiB: a comment, OpenMetrics', long('# ', 'b'), openmetrics),
    bad('lines of 250 000 escapes, the last one wrong', () =>
      lines(
        60,
        (i) => `# HELP a${i} ${'\\\\'.repeat(120_000)}\na{b="${'\\\\'.repeat(7_000)}${i}"} 1\n`,
        '',
        'a{b="\\x"} 1\n',
      ),
    ),
    bad('a line that is not UTF-8', () =>
      withEnd(repeated('\u{fffd}', 255_000), '\n').fill(0xff, 254_000, 254_001),
    ),
    bad(
      '4 million families, protobuf',
      () => Buffer.concat([Buffer.alloc(BODY_BYTES, emptyFamily), Buffer.from([1, 7])]),
      protobuf,
    ),
    { name: 'a metric of 1 MiB of exemplars, protobuf', body: manyExemplars, options: protobuf },
    bad(
      'one histogram with timestamps, OpenMetrics',
      () => lines(400_000, (i) => `a_bucket{le="${i}.5"} 1 1\n`, '# TYPE a histogram\n'),
      openmetrics,
    ),
    bad(
      '16 MiB without # EOF, OpenMetrics',
      () => lines(700_000, (i) => `a{b="${i}"} 1\n`, '# TYPE a gauge\n'),
      openmetrics,
    ),
    bad('2 million families', () => lines(2_000_000, (i) => `a${i.toString(36)} 1\n`)),
  ];
}

/** One family with one counter, whose bucket has nothing but empty exemplars. */
function manyExemplars(): Buffer {
  const bucket = message(0x1a, repeated('\u001a\u0000', 1_000_000));
  const metric = message(0x22, message(0x3a, bucket));
  const family = Buffer.concat([Buffer.from([0x0a, 1, 0x61, 0x18, 4]), metric]);
  return message(undefined, family);
}

function message(tag: number | undefined, inner: Buffer): Buffer {
  const head = tag === undefined ? [] : [tag];
  let rest = inner.length;
  for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...head, rest]), inner]);
}

function histograms(buckets: readonly string[]): Buffer {
  const one = (i: number): string => {
    const counts = buckets.map((le, at) => `h_bucket{i="${i}",le="${le}"} ${at}\n`);
    return `${counts.join('')}h_count{i="${i}"} ${buckets.length - 1}\nh_sum{i="${i}"} 1\n`;
  };
  return lines(Math.floor(BODY_BYTES / one(100_000).length), one, '# TYPE h histogram\n');
}

/** Every histogram's buckets far from one another, and from high to low. */
function reversed(): Buffer {
  const all = histograms(['0.1', '0.5', '1', '5', '10', '+Inf']).toString().split('\n');
  return Buffer.from(
    ['# TYPE h histogram', ...all.filter((line) => line.startsWith('h_bucket')).reverse(), ''].join('\n'),
  );
}

function settlingCases(): Case[] {
  const good = (name: string, body: () => Buffer, options = {}): Case[] => [
    { name: `${name}, new`, body, options, ends: 'taken' },
    { name: `${name}, known`, body, options, isKnown: true, ends: 'taken' },
  ];
  const bounds = ['0.1', '0.5', '1.0', '5.0', '10.0', '+Inf'];
  return [
    ...good('16 MiB of histograms', () => histograms(['0.1', '0.5', '1', '5', '10', '+Inf'])),
    ...good('16 MiB of histograms in reverse', reversed),
    ...good('16 MiB of histograms, OpenMetrics', () => withEnd(histograms(bounds), '# EOF\n'), openmetrics),
    ...good('400 000 counters', () =>
      lines(400_000, (i) => `c_total{aaaaaaaa="b",i="${i}"} 1\n`, '# TYPE c_total counter\n'),
    ),
    ...good('400 000 counters in words', () =>
      lines(400_000, (i) => `c_total{ aaaaaaaa="b",i="${i}" } 1\n`, '# TYPE c_total counter\n'),
    ),
    ...good(
      '300 000 start times before their counters, OpenMetrics',
      () =>
        lines(
          300_000,
          (i) => `c_created{i="${i}"} 1\nc_total{i="${i}"} 1\n`,
          '# TYPE c counter\n',
          '# EOF\n',
        ),
      openmetrics,
    ),
    ...good('49 000 families', () =>
      lines(49_000, (i) => `# TYPE f_${i} counter\nf_${i}{a="${'x'.repeat(200)}"} 1\n`),
    ),
  ];
}

function shortCases(): Case[] {
  const short = (name: string, body: () => Buffer, options = {}): Case => ({
    name,
    body,
    options,
    isShort: true,
    ends: 'taken',
  });
  return [
    short('128 KiB of families', () => lines(16_000, (i) => `a${i.toString(36)} 1\n`)),
    short('128 KiB of short series', () => lines(9_000, (i) => `a{b="${i.toString(36)}"} 1\n`)),
    short('128 KiB of series in words', () => lines(7_500, (i) => `a{ b="${i.toString(36)}" } 1\n`)),
    short('128 KiB of summaries in words', () =>
      lines(5_000, (i) => `a_sum{ b="${i.toString(36)}" } 1\n`, '# TYPE a summary\n'),
    ),
  ];
}

function otherCases(): Case[] {
  const gauges = (count: number) => () =>
    lines(count, (i) => `g{aaaaaaaaaaaaaaaaaaaa="b",i="${i}"} 1\n`, '# TYPE g gauge\n');
  return [
    {
      name: 'a long push while each millisecond makes a series',
      body: gauges(300_000),
      ends: 'taken',
      async run(gateway, body) {
        let made = 0;
        const timer = setInterval(() => {
          made += 1;
          void gateway.push(`other{i="${made}"} 1\n`);
        }, 1);
        await gateway.push(body);
        clearInterval(timer);
      },
    },
    {
      name: 'four long pushes with idempotency keys',
      body: () => repeated('\n'),
      ends: 'taken',
      run: (gateway, body) =>
        Promise.all(Array.from({ length: 4 }, (_, i) => gateway.push(body, { idempotencyKey: `k${i}` }))),
    },
  ];
}
