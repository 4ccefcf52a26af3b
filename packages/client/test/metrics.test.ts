import fc from 'fast-check';
import { expect, test, vi } from 'vitest';

import { createGateway } from '../../gateway/src/index.ts';
import { runs } from '../../gateway/test/support/runs.ts';
import { client, fakeNetwork } from './support/fake-network.ts';

const empty = { help: '' } as const;

async function textOf(count: (metrics: ReturnType<typeof client>['metrics']) => void, labels = {}) {
  const sent = fakeNetwork();
  const { metrics, drops } = client({ labels });
  count(metrics);
  await metrics.flush();
  return { text: sent.map(({ body }) => body).join('---\n'), drops };
}

test('counters, histograms and gauges as text', async () => {
  const { text, drops } = await textOf(
    (metrics) => {
      const clicks = metrics.counter({
        name: 'web_clicks_total',
        help: 'Clicks.\n"All" \\ of them.',
        labelNames: ['button'],
      });
      clicks.inc({ button: 'buy' });
      clicks.inc({ button: 'buy' }, 2.5);
      clicks.inc({ button: 'a "b"\\\nc' });
      clicks.inc({ button: '' });
      clicks.inc(4);
      const seconds = metrics.histogram({ name: 'web_lcp_seconds', help: 'LCP.', buckets: [2.5, 0.5, 1, 1] });
      for (const value of [0.5, 0.6, 3]) seconds.observe(value);
      metrics.gauge({ name: 'web_width', help: 'Width.' }).set(1024);
    },
    { app: 'shop' },
  );
  expect(drops).toEqual([]);
  expect(text).toBe(`# HELP web_clicks_total Clicks.\\n"All" \\\\ of them.
# TYPE web_clicks_total counter
web_clicks_total{app="shop",button="buy"} 3.5
web_clicks_total{app="shop",button="a \\"b\\"\\\\\\nc"} 1
web_clicks_total{app="shop"} 5
# HELP web_lcp_seconds LCP.
# TYPE web_lcp_seconds histogram
web_lcp_seconds_bucket{app="shop",le="0.5"} 1
web_lcp_seconds_bucket{app="shop",le="1"} 2
web_lcp_seconds_bucket{app="shop",le="2.5"} 2
web_lcp_seconds_bucket{app="shop",le="+Inf"} 3
web_lcp_seconds_sum{app="shop"} 4.1
web_lcp_seconds_count{app="shop"} 3
# HELP web_width Width.
# TYPE web_width gauge
web_width{app="shop"} 1024
`);
});

test('a help that ends in a carriage return does not end its line in one', async () => {
  const { text } = await textOf((metrics) => metrics.counter({ name: 'a_total', help: 'A\r\n\r' }).inc());
  expect(text).toContain('# HELP a_total A\r\\n\n# TYPE');
});

test('a metric that is asked for again is the same one', async () => {
  const { text } = await textOf((metrics) => {
    metrics.counter({ name: 'a_total', ...empty, labelNames: ['x'] }).inc({ x: 1 });
    metrics.counter({ name: 'a_total', ...empty, labelNames: ['x'] }).inc({ x: 1 });
  });
  expect(text).toContain('a_total{x="1"} 2\n');
});

test('labels of a metric win over those of all', async () => {
  const { text } = await textOf(
    (metrics) => metrics.counter({ name: 'a_total', ...empty, labelNames: ['app'] }).inc({ app: 'b' }),
    { app: 'a', site: 1 },
  );
  expect(text).toContain('a_total{app="b",site="1"} 1\n');
});

test('startTimer observes seconds, with labels of both ends', async () => {
  const { text } = await textOf((metrics) => {
    const seconds = metrics.histogram({ name: 's', ...empty, labelNames: ['a', 'b'], buckets: [1, 2] });
    const end = seconds.startTimer({ a: 1 });
    vi.advanceTimersByTime(1500);
    expect(end({ b: 2 })).toBe(1.5);
  });
  expect(text).toContain('s_bucket{a="1",b="2",le="2"} 1\n');
  expect(text).toContain('s_sum{a="1",b="2"} 1.5\n');
});

test('what cannot be pushed is reported, and nothing is thrown', async () => {
  const wild = (value: unknown): never => value as never;
  const { text, drops } = await textOf((metrics) => {
    const counter = metrics.counter({ name: 'c_total', ...empty, labelNames: ['x'] });
    counter.inc(-1);
    counter.inc({ x: 'a' }, Number.NaN);
    counter.inc({ x: 'a' }, Number.POSITIVE_INFINITY);
    counter.inc(wild({ y: 'a' }));
    counter.inc(wild('1'));
    counter.inc(
      wild({
        get x() {
          throw new Error('mine');
        },
      }),
    );
    counter.inc(wild({ x: { toString: () => wild({}) } }));
    counter.inc(wild(null));
    counter.inc(wild(undefined));
    counter.inc({ x: wild(Symbol('s')) });
    metrics.counter({ name: 'big_total', ...empty }).inc(1e308);
    metrics.counter({ name: 'big_total', ...empty }).inc(1e308);
    for (const name of ['', '1a', 'a-b', 'ä', 'a b', 'a\n']) metrics.counter({ name, ...empty }).inc();
    for (const label of ['', '1', '__x', 'le', 'a-b', 'x\n'])
      metrics.counter({ name: 'l_total', ...empty, labelNames: [label] }).inc();
    metrics.histogram({ name: 'h', ...empty, buckets: [1, Number.NaN] }).observe(1);
    metrics.gauge({ name: 'c_total', ...empty }).set(1);
    metrics.histogram({ name: 'g', ...empty, buckets: [1] }).observe(wild(undefined));
    metrics.histogram({ name: 'g', ...empty, buckets: [2] }).observe(1);
  });
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  expect(lines).toEqual(['c_total 2', 'c_total{x="Symbol(s)"} 1', 'big_total 1e+308']);
  for (const drop of drops)
    expect(drop).toMatchObject({ updates: 1, reason: 'invalid', mayBeCounted: false });
  expect(drops.length).toBe(7 + 1 + 6 + 6 + 4);
  expect(drops[0]!.detail).toBe('c_total: invalid value -1');
});

test('batches are split between series where they would be too long, and each says what its families are', async () => {
  const sent = fakeNetwork();
  const { metrics, drops } = client();
  const counter = metrics.counter({ name: 'c_total', help: 'C.', labelNames: ['x'] });
  // Of two bytes each.
  for (let i = 0; i < 100; i += 1) counter.inc({ x: `${i}${'ä'.repeat(250)}` });
  counter.inc({ x: 'ä'.repeat(8_000) });
  const histogram = metrics.histogram({ name: 'h', help: 'H.' });
  histogram.observe(1);
  await metrics.flush();
  expect(sent.length).toBe(4);
  const seen = new Set<string>();
  for (const { body } of sent) {
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(16_000);
    for (const name of ['c_total', 'h']) {
      expect(body.split(`# TYPE ${name} `).length).toBe(body.includes(`\n${name}`) ? 2 : 1);
    }
    for (const line of body.split('\n')) if (line.startsWith('c_total')) seen.add(line);
  }
  expect(seen.size).toBe(100);
  expect(drops.map(({ updates, detail }) => [updates, detail])).toEqual([[1, 'c_total: too long']]);
});

test('whatever labels and values are, the gateway takes it, and has what was counted', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 });
  const lone = fc.constantFrom(
    '\uD800',
    '\uDC00',
    '\uFFFD',
    'a\uD800',
    'a\uFFFD',
    '\r',
    '\r\n',
    '\0',
    '"',
    '\\n',
  );
  const value = fc.oneof(text, lone, fc.integer(), fc.boolean());
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ x: value, y: value, by: fc.double({ min: 0, max: 1e6, noNaN: true }) }), {
        maxLength: 20,
      }),
      text,
      async (updates, help) => {
        const { text: body, drops } = await textOf((metrics) => {
          const counter = metrics.counter({ name: 'c_total', help, labelNames: ['x', 'y'] });
          const histogram = metrics.histogram({ name: 'h', help, labelNames: ['x'] });
          for (const { x, y, by } of updates) {
            counter.inc({ x, y }, by);
            histogram.observe({ x }, by);
          }
        });
        vi.useRealTimers();
        const gateway = createGateway();
        if (body !== '') await gateway.push(body);
        const page = await gateway.scrape();
        await gateway.close();
        // Some of what JavaScript ends a line at is part of these values.
        const sumOf = (name: string): number =>
          page
            .split('\n')
            .filter((line) => line.startsWith(name))
            .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
        const made = updates.reduce((all, { by }) => all + by, 0);
        expect(sumOf('c_total')).toBeCloseTo(made, 3);
        expect([sumOf('h_count'), drops]).toEqual([updates.length, []]);
      },
    ),
    { numRuns: runs(600, 50) },
  );
});
