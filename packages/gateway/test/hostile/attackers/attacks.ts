/** The floods: each within all limits for one sender, and each once able to end the process, or to spoil it for all others. */
import type { Attack, AttackContext } from './attack.ts';
import { MIB, brotliBomb, counterBody, filledUp, gzipBomb, snappyBomb, word, zstdBomb } from './bodies.ts';
import { converse, requestBytes } from './wire.ts';

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function pushPath({ byJob }: AttackContext, instance: string): string {
  return byJob ? `/metrics/job/hostile/instance/${instance}` : '/metrics/';
}

function push(context: AttackContext, instance: string, body: Uint8Array | string, encoding = ''): Buffer {
  const headers = encoding === '' ? {} : { 'Content-Encoding': encoding };
  return requestBytes(`POST ${pushPath(context, instance)}`, headers, body);
}

/** One push, answered or given up. */
function pushOnce(context: AttackContext, instance: string, body: Uint8Array | string): Promise<void> {
  return converse(context.target, { requests: [push(context, instance, body)], holdMs: 30_000 });
}

const bombs = lazy(() => [
  { encoding: 'br', count: 500, body: brotliBomb(64 * MIB, 'a') },
  { encoding: 'br', count: 100, body: brotliBomb(16 * MIB, '\n') },
  { encoding: 'gzip', count: 56, body: gzipBomb(64 * MIB, 'a') },
  { encoding: 'gzip', count: 28, body: gzipBomb(15 * MIB, '\n', 16_384) },
  { encoding: 'zstd', count: 200, body: zstdBomb(64 * MIB, 'a') },
  { encoding: 'snappy', count: 4, body: snappyBomb(64 * MIB, 'a') },
]);

const decompression: Attack = {
  what: '500 br, 56 gzip, 200 zstd, 4 snappy bombs, pipelined',
  pauseMs: 2000,
  async round(context) {
    await Promise.all(
      bombs().map(({ encoding, count, body }) =>
        converse(context.target, {
          requests: times(count, () => push(context, 'bombs', body, encoding)),
          holdMs: 20_000,
        }),
      ),
    );
  },
};

const scrape = requestBytes('GET /metrics');

const unreadScrapes: Attack = {
  what: '1800 scrapes pipelined and never read, 100 connections of 18, 8 slow readers, 1800 of /-/metrics and of /',
  pauseMs: 1000,
  async round({ target }) {
    const unread = (request: Buffer, count: number): Promise<void> =>
      converse(target, { requests: times(count, () => request), reading: 'nothing', holdMs: 8000 });
    await Promise.all([
      unread(scrape, 1800),
      unread(requestBytes('GET /-/metrics'), 1800),
      unread(requestBytes('GET /'), 1800),
      ...times(100, () => unread(scrape, 18)),
      ...times(8, () => converse(target, { requests: [scrape], reading: 65_536, holdMs: 8000 })),
    ]);
  },
};

const longLabels: Attack = {
  what: '320 pushes of 900 series with labels of 15.8 KB',
  pauseMs: 400,
  async round(context) {
    const { round, chance } = context;
    if (round >= 320) return;
    const text = word(15_800, chance);
    const lines = times(900, (i) => `long_total{text="${round}_${i}_${text}"} 1\n`);
    await pushOnce(context, 'long', `# TYPE long_total counter\n${lines.join('')}`);
  },
};

/** 5000 gauges at a time. */
const CHURNED_SOURCES = 5;
const CHURNED_GAUGES = 1000;

const changingLengths: Attack = {
  what: '5000 gauges of 200 changing lengths, replaced by PUT and DELETE',
  pauseMs: 50,
  async round(context) {
    const { target, byJob, round, chance } = context;
    // What comes in add mode stays, up to the limits; there it is enough to reach them.
    if (!byJob && round >= 40) return;
    const path = pushPath(context, `changing-${round % CHURNED_SOURCES}`);
    // All of one length, and then of the next: what was freed before fits nothing that comes.
    const length = 20 + (Math.floor(round / CHURNED_SOURCES) % 200) * 5;
    const lines = times(CHURNED_GAUGES, () => `changing{text="${word(length, chance)}"} 1\n`);
    const requests = [requestBytes(`PUT ${path}`, {}, `# TYPE changing gauge\n${lines.join('')}`)];
    if (byJob && chance() < 0.5) requests.unshift(requestBytes(`DELETE ${path}`));
    await converse(target, { requests, holdMs: 30_000 });
  },
};

const longHelps: Attack = {
  what: '3600 families with 250 kB of help',
  pauseMs: 500,
  async round(context) {
    const { round, chance } = context;
    if (round >= 60) return;
    const help = word(250_000, chance);
    const families = times(60, (i) => {
      const name = `helped_${round}_${i}_total`;
      return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} 1\n`;
    });
    await pushOnce(context, 'helps', families.join(''));
  },
};

const slowScrapes: Attack = {
  what: '6 scrapes that read 16 KiB a second and ask for an hour, while series come and go',
  pauseMs: 500,
  async round(context) {
    const { target, endMs, chance, round } = context;
    const request = requestBytes('GET /metrics', { 'X-Prometheus-Scrape-Timeout-Seconds': '3600' });
    const holdMs = Math.min(120_000, endMs - performance.now());
    let isOver = false;
    const churn = async (): Promise<void> => {
      for (let i = 0; !isOver; i += 1) {
        const lines = times(1000, () => `churned{text="${word(100, chance)}"} 1\n`);
        const path = pushPath(context, `churned-${i % 4}`);
        const body = `# TYPE churned gauge\n${lines.join('')}`;
        if (context.byJob || i + round < 100) {
          await converse(target, { requests: [requestBytes(`PUT ${path}`, {}, body)], holdMs: 30_000 });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const churning = churn();
    await Promise.all(times(6, () => converse(target, { requests: [request], reading: 16_384, holdMs })));
    isOver = true;
    await churning;
  },
};

const RESPELLED_SERIES = 900;
const RESPELLED_LABELS = 8;

const respellings: Attack = {
  what: '1.15 M spellings, of 1 KB each, of 900 series',
  pauseMs: 200,
  async round(context) {
    const { chance, round } = context;
    if (round >= 256) return;
    const spell = (i: number): string => {
      const labels = times(RESPELLED_LABELS, (j) => `l${j}="${String(i).padStart(110, 'v')}"`);
      // Each has blanks of its own as well, so that hardly any comes twice.
      return labels.sort(() => chance() - 0.5).join(`,${' '.repeat(Math.floor(chance() * 4))}`);
    };
    const body = (): string =>
      `# TYPE respelled_total counter\n${times(RESPELLED_SERIES, (i) => `respelled_total{${spell(i)}} 1\n`).join('')}`;
    await converse(context.target, {
      requests: times(5, () => push(context, 'spellings', body())),
      holdMs: 30_000,
    });
  },
};

const formats = [
  'text/plain; version=0.0.4',
  'application/openmetrics-text; version=1.0.0',
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
];
const escapings = ['allow-utf-8', 'underscores', 'dots', 'values'];

const acceptVariants: Attack = {
  what: 'scrapes in 12 variants of Accept, plain and with gzip, read to the end',
  pauseMs: 500,
  async round({ target }) {
    for (const format of formats) {
      for (const escaping of escapings) {
        const headers = { Accept: `${format}; escaping=${escaping}` };
        await Promise.all([
          converse(target, { requests: [requestBytes('GET /metrics', headers)], holdMs: 30_000 }),
          converse(target, {
            requests: [requestBytes('GET /metrics', { ...headers, 'Accept-Encoding': 'gzip' })],
            holdMs: 30_000,
          }),
        ]);
      }
    }
  },
};

const largeBody = lazy(() => filledUp(counterBody('large_total', 15_000, 1000), 16 * MIB));

const largeBodies: Attack = {
  what: '30 senders of 16 MiB bodies, half of them slow',
  pauseMs: 2000,
  async round(context) {
    const { target, endMs } = context;
    const body = largeBody();
    const holdMs = Math.min(35_000, endMs - performance.now());
    await Promise.all(
      times(30, (i) =>
        converse(target, {
          requests: [push(context, `large-${i}`, body)],
          holdMs,
          ...(i % 2 === 0 ? {} : { writeBytesPerSecond: 640 * 1024 }),
        }),
      ),
    );
  },
};

const LARGE_SERIES = 50_000;

const waitingPushes: Attack = {
  what: 'long pushes that are refused, on 60 connections; by job, lines by a source of 100000 series whose clients leave',
  pauseMs: 500,
  async round(context) {
    const { target, byJob, round } = context;
    if (byJob && round === 0) {
      for (const name of ['wide_total', 'wider_total'])
        await pushOnce(context, 'wide', counterBody(name, LARGE_SERIES, 40));
    }
    const refused = push(
      context,
      'refused',
      Buffer.concat([counterBody('refused_total', 3500, 41), Buffer.from('bad{ 1\n')]),
    );
    const line = push(context, 'wide', 'wide_total{i="0000000"} 2\n');
    await Promise.all([
      ...times(60, () => converse(target, { requests: [refused], holdMs: 20_000 })),
      ...times(byJob ? 20 : 0, (i) =>
        converse(target, { requests: times(60, () => line), holdMs: i % 2 === 0 ? 200 : 20_000 }),
      ),
    ]);
  },
};

export const attacks = {
  decompression,
  unreadScrapes,
  longLabels,
  changingLengths,
  longHelps,
  slowScrapes,
  respellings,
  acceptVariants,
  largeBodies,
  waitingPushes,
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackName = keyof typeof attacks;

/** Made when first asked for: each process makes its own attack only. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
