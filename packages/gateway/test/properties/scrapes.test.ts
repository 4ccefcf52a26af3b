import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { runs } from '../support/runs.ts';

const label = fc.constantFrom('a', 'b', 'c', 'é', '', '}', 'a}', 'a",b="', '\u{1f600}');
const amount = fc.oneof(fc.nat(9), fc.constantFrom(0.1, 1e-9, 2 ** 53));

/** One family of a push, in a role that it may leave: untyped may become anything, with or without HELP. */
const family = fc
  .record({
    name: fc.constantFrom('f_a', 'f_b', 'f_c', 'f_d_total', '"f.e"'),
    type: fc.constantFrom('counter', 'gauge', undefined),
    help: fc.constantFrom('one', 'two', undefined),
    series: fc.uniqueArray(label, { minLength: 1, maxLength: 4 }),
    value: amount,
  })
  .map(({ name, type, help, series, value }) => {
    const lines = help === undefined ? [] : [`# HELP ${name} ${help}`];
    if (type !== undefined) lines.push(`# TYPE ${name} ${type}`);
    for (const each of series) {
      const text = JSON.stringify(each);
      lines.push(
        name.startsWith('"') ? `{${name},l=${text}} ${value}` : `${name}{l=${text},m="${value}"} ${value}`,
      );
    }
    return `${lines.join('\n')}\n`;
  });

const histogram = fc
  .tuple(fc.uniqueArray(fc.constantFrom(1, 2, 5), { maxLength: 3 }), label, fc.nat(9))
  .map(([bounds, value, count]) => {
    const labels = `l=${JSON.stringify(value)}`;
    const buckets = bounds.map((le) => `h_bucket{${labels},le="${le}"} ${count}\n`).join('');
    return `# TYPE h histogram\n${buckets}h_bucket{${labels},le="+Inf"} ${count}\nh_sum{${labels}} 1\nh_count{${labels}} ${count}\n`;
  });

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      body: fc.oneof(family, histogram),
      job: fc.constantFrom('x', 'y'),
      put: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.constant('scrape' as const) },
  { weight: 1, arbitrary: fc.constant('delete' as const) },
  { weight: 1, arbitrary: fc.constant('wait' as const) },
);

test.each([false, true])(
  'text that is kept is the text that would be written (by job: %s)',
  async (byJob) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let nowMs = 1_000_000;
        const options = { byJob, jobPruneDurationMs: 1000, jobForgetDurationMs: 3000 };
        const clock = { now: () => nowMs };
        const [pendingSeries, ...others] = [0, 100, 1024 * 1024].map((scrapeCacheBytesMax) =>
          createGateway({ ...options, clock, scrapeCacheBytesMax }),
        );
        for (const each of steps) {
          if (each === 'wait') nowMs += 1500;
          else if (each === 'scrape') {
            const page = await pendingSeries!.scrape();
            for (const other of others) expect(await other.scrape()).toBe(page);
          } else {
            const results = await Promise.all(
              [pendingSeries!, ...others].map(async (gateway) => change(gateway, each)),
            );
            expect(new Set(results).size).toBe(1);
          }
        }
      }),
      { numRuns: runs(200) },
    );
  },
);

async function change(
  gateway: EmbeddedGateway,
  what: 'delete' | { readonly body: string; readonly job: string; readonly put: boolean },
): Promise<string> {
  try {
    if (what === 'delete') await gateway.delete('job/x');
    else await gateway.push(what.body, { path: `job/${what.job}`, method: what.put ? 'PUT' : 'POST' });
    return 'done';
  } catch (error) {
    return String(error);
  }
}

function counters(name: string, rows: number, value: number): string {
  const lines = Array.from({ length: rows }, (_, i) => `${name}{i="${(i * 7919) % rows}"} ${value}`);
  return `# TYPE ${name} counter\n${lines.join('\n')}\n`;
}

/** Orders as the page does: by bytes, `}` first. */
function inExpositionOrder(lines: readonly string[]): string[] {
  const key = (line: string): Buffer =>
    Buffer.from(Buffer.from(line).map((byte) => (byte === 0x7d ? 0 : byte)));
  return lines.toSorted((a, b) => Buffer.compare(key(a), key(b)));
}

test('rows come in order, whatever they share and however they came', async () => {
  const text = fc.array(
    fc.constantFrom('a', 'b', '}', 'é', '\u{1f600}', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    { maxLength: 12 },
  );
  const series = fc
    .tuple(text, fc.option(text))
    .map(([l, m]) => (m === null ? `f{l="x${l.join('')}"} 1` : `f{l="x${l.join('')}",m="${m.join('')}x"} 1`));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(series, { minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 3 }),
      async (pushes) => {
        const gateway = createGateway();
        const lines = new Set<string>();
        for (const push of pushes) {
          const added = push.filter((line) => !lines.has(line));
          for (const line of added) lines.add(line);
          await gateway.push(`${added.join('\n')}\n`);
          const page = await gateway.scrape();
          expect(page.split('\n').slice(1, -1)).toEqual(inExpositionOrder([...lines]));
        }
      },
    ),
    { numRuns: runs(200) },
  );
});

test('many rows come in order too, and each once', async () => {
  const gateway = createGateway();
  await gateway.push(counters('a_total', 40_000, 1));
  await gateway.push(counters('a_total', 70_000, 1));
  const first = (await gateway.scrape()).split('\n').slice(1, -1);
  expect(first).toEqual(
    inExpositionOrder(Array.from({ length: 70_000 }, (_, i) => `a_total{i="${i}"} ${i < 40_000 ? 2 : 1}`)),
  );
  await gateway.push('a_total{i="1}"} 5\na_total{i="x"} 7\n');
  const second = (await gateway.scrape()).split('\n').slice(1, -1);
  expect(second).toEqual(inExpositionOrder([...first, 'a_total{i="1}"} 5', 'a_total{i="x"} 7']));
});

test('a scrape shows one point in time, however many pushes and scrapes go on beside it', async () => {
  const gateway = createGateway();
  const body = counters('a_total', 3000, 1) + counters('b_total', 30_000, 1);
  await gateway.push(body);
  const expositions: Promise<string>[] = [];
  let pushing = true;
  const pushes = (async () => {
    while (pushing) {
      // Of one push: the two are always equal, and the small one is neither kept nor sorted in with the large ones.
      await gateway.push(
        '# TYPE a_seen counter\na_seen 1\n# TYPE z_seen counter\nz_seen 1\na_total{i="5"} 1\n',
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let i = 0; i < 12; i += 1) {
    expositions.push(gateway.scrape());
    await new Promise((resolve) => setTimeout(resolve, i % 3));
  }
  const seen: number[] = [];
  for (const page of await Promise.all(expositions)) {
    const value = (name: string): number => Number(page.split(`\n${name} `)[1]?.split('\n')[0] ?? 0);
    expect(value('a_seen')).toBe(value('z_seen'));
    expect(value('a_total{i="5"}')).toBe(value('z_seen') + 1);
    expect(page.match(/^b_total\{/gm)).toHaveLength(30_000);
    seen.push(value('z_seen'));
  }
  pushing = false;
  await pushes;
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBeGreaterThan(0);
});
