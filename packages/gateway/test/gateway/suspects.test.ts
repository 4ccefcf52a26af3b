/** Senders for which the mode of the gateway is wrong are told of, and no others. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import promjs from 'promjs';
import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';

import { initialAggregation } from '../../src/gateway/ledger/ledger.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { Suspects } from '../../src/gateway/telemetry/suspects.ts';
import { createGateway } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { State } from '../../src/state/state.ts';
import { emptyBatch } from '../../src/store/batch.ts';
import { repository } from '../support/programs.ts';
import { runs } from '../support/runs.ts';

async function warningsOf(
  options: EmbeddedOptions,
  bodies: Iterable<string>,
  path = 'job/a',
): Promise<readonly unknown[]> {
  const warnings: unknown[] = [];
  const quiet = (): void => {};
  const warn = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    void warnings.push(fields?.['reason'] ?? message);
  const gateway = createGateway({ ...options, log: { debug: quiet, info: quiet, error: quiet, warn } });
  for (const body of bodies) await gateway.push(body, { path });
  await gateway.close();
  return warnings;
}

const bodyOf = (a: number, b: number, startSeconds?: number): string =>
  `# TYPE a_total counter\na_total ${a}\n# TYPE b_total counter\nb_total ${b}\n${
    startSeconds === undefined ? '' : `# TYPE a_created gauge\na_created ${startSeconds}\n`
  }`;
const times = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
const accumulate = { byJob: true, jobCounterResets: 'accumulate' } as const;

test('totals in add mode, after twenty pushes', async () => {
  const totals = times(40).map((i) => bodyOf(i, 100 + i));
  expect(await warningsOf({}, totals.slice(0, 19))).toEqual([]);
  expect(await warningsOf({}, totals)).toEqual(['totals_in_add_mode']);
  expect(await warningsOf({ byJob: true }, totals)).toEqual([]);
});

test('two processes on one path', async () => {
  const both = times(40).map((i) => (i % 2 === 0 ? bodyOf(i, 100 + i) : bodyOf(1000 + i, 5000 + i)));
  expect(await warningsOf({ byJob: true }, both)).toEqual(['two_on_one_path']);
});

test('start times that are invented, and not those of runs', async () => {
  const invented = times(12).map((i) => bodyOf(i, i, 1.6e9 + 10 * i));
  expect(await warningsOf(accumulate, invented)).toEqual(['invented_start_times']);
  expect(await warningsOf({ ...accumulate, jobCounterResets: 'accumulate-by-value' }, invented)).toEqual([]);
  const sameRuns = times(40).map((i) => bodyOf(100, 100, 1.6e9 + 10 * i));
  expect(await warningsOf(accumulate, sameRuns)).toEqual([]);
  const goingOn = times(40).map((i) => bodyOf(i, i, 1.6e9));
  expect(await warningsOf(accumulate, goingOn)).toEqual([]);
});

test('restarts of one process are nothing to tell of', async () => {
  const restarting = times(60).map((i) => bodyOf(i % 7, 100 + (i % 7)));
  expect(await warningsOf({ byJob: true }, restarting)).toEqual([]);
});

test('one path is named for each reason, while there is one', async () => {
  const quiet = (): void => {};
  const gateway = createGateway({ log: { debug: quiet, info: quiet, error: quiet, warn: quiet } });
  const { port } = await gateway.start({ host: '127.0.0.1', port: 0 });
  const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
  const push = async (path: string, count: number): Promise<void> => {
    for (const i of times(count)) await gateway.push(bodyOf(i, 100 + i), { path });
  };
  await push('job/a/instance/1', 19);
  expect(await page()).not.toContain('totals');
  await push('job/b', 40);
  expect(await page()).toMatch(/^ {2}Pushes to this path look like totals.*--by-job.*: \/metrics\/job\/b$/m);
  await push('job/a/instance/1', 40);
  expect(await page()).toMatch(/: \/metrics\/job\/a\/instance\/1 and 1 more$/m);
  await gateway.close();
});

const deltas = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 60, maxLength: 60 });
const constant = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9));

test('constant, random and interleaved deltas are nothing to tell of', async () => {
  await fc.assert(
    fc.asyncProperty(deltas, constant, async (random, [a, b, c, d]) => {
      const randomly = random.map((pair) => bodyOf(...pair));
      const interleaved = random.map((_, i) => (i % 2 === 0 ? bodyOf(a, b) : bodyOf(c, d)));
      for (const options of [{}, { byJob: true }]) {
        expect(await warningsOf(options, randomly)).toEqual([]);
        expect(await warningsOf(options, interleaved)).toEqual([]);
      }
    }),
    { numRuns: runs(100) },
  );
});

const modes: readonly EmbeddedOptions[] = [{}, { byJob: true }, accumulate];

test('nor are runs with start times, whatever they count', async () => {
  const startSeconds = (i: number): number => 1.6e9 + 60 * i;
  await fc.assert(
    fc.asyncProperty(deltas, constant, async (random, [a, b, c, d]) => {
      const randomly = random.map(([x, y], i) => bodyOf(x, y, startSeconds(i)));
      const interleaved = random.map((_, i) =>
        i % 2 === 0 ? bodyOf(a, b, startSeconds(i)) : bodyOf(c, d, startSeconds(i)),
      );
      const oneStart = random.map(([x, y]) => bodyOf(x, y, startSeconds(0)));
      for (const options of modes) {
        for (const bodies of [randomly, interleaved, oneStart])
          expect(await warningsOf(options, bodies)).toEqual([]);
      }
    }),
    { numRuns: runs(50) },
  );
});

/** Pushes that a page shows, each with its path. */
function shownPushes(page: string): readonly (readonly [path: string, body: string])[] {
  const text = readFileSync(join(repository, page), 'utf8');
  const url = String.raw`\| curl --data-binary @- http://localhost:9091/metrics/(\S*)`;
  return [
    ...[...text.matchAll(new RegExp(`^echo '(.*)' ${url}`, 'gm'))].map(
      ([, body, path]) => [path!, `${body}\n`] as const,
    ),
    ...[...text.matchAll(new RegExp(`^cat <<'END' ${url}\n(.*?)^END$`, 'gms'))].map(
      ([, path, body]) => [path!, body!] as const,
    ),
    ...[...text.matchAll(/gateway\.push\('([^']*)', \{ path: '([^']*)' \}\)/g)].map(
      ([, body, path]) => [path!, body!.replaceAll(String.raw`\n`, '\n')] as const,
    ),
  ].filter(([, body]) => !body.includes(' x\n'));
}

test('nor are the pushes that the guides show, repeated', async () => {
  const pages = readdirSync(join(repository, 'docs/guides'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs/guides', name));
  const shown = ['README.md', ...pages].flatMap((page) => [...shownPushes(page)]);
  expect(shown.length).toBeGreaterThanOrEqual(7);
  for (const options of modes) {
    for (const [path, body] of shown) {
      if (options.byJob === true && !path.startsWith('job/')) continue;
      expect(await warningsOf(options, Array<string>(60).fill(body), path)).toEqual([]);
    }
  }
});

test('nor are the clients of the guides, used as they say', async () => {
  await fc.assert(
    fc.asyncProperty(deltas, async (random) => {
      const page = (promjs.default ?? promjs)();
      const clicks = page.create('counter', 'clicks_total', 'Clicks.');
      const views = page.create('counter', 'views_total', 'Views.');
      const increments = random.map(([some, more]) => {
        clicks.add(some + 1);
        views.add(more + 1);
        const body = page.metrics();
        page.reset();
        return body;
      });
      expect(await warningsOf({}, increments, '')).toEqual([]);
      // A process that restarts now and then.
      let register = new Registry();
      const totals: string[] = [];
      for (const [i, [some, more]] of random.entries()) {
        if (some % 20 === 0 || i === 0) {
          register = new Registry();
          new Counter({ name: 'orders_total', help: 'Orders.', registers: [register] });
          new Histogram({ name: 'wait_seconds', help: 'Waits.', registers: [register] });
        }
        (register.getSingleMetric('orders_total') as Counter).inc(some);
        (register.getSingleMetric('wait_seconds') as Histogram).observe(more / 1000);
        totals.push(await register.metrics());
      }
      for (const options of modes.slice(1))
        expect(await warningsOf(options, totals, 'job/orders/instance/7')).toEqual([]);
    }),
    { numRuns: runs(20) },
  );
});

test('where pushes are very many, some are looked at: what is wrong is seen, and nothing else', async () => {
  const many = times(5000);
  expect(
    await warningsOf(
      {},
      many.map((i) => bodyOf((i * 7919) % 50, (i * 104_729) % 31)),
    ),
  ).toEqual([]);
  expect(
    await warningsOf(
      { byJob: true },
      many.map((i) => bodyOf(i % 50, 100 + (i % 50))),
    ),
  ).toEqual([]);
  const late = many.map((i) => (i < 1000 ? bodyOf(1, 1) : bodyOf(i, 100 + i)));
  expect(await warningsOf({}, late)).toEqual(['totals_in_add_mode']);
  const both = many.map((i) => (i % 2 === 0 ? bodyOf(i, 100 + i) : bodyOf(10_000 + i, 50_000 + i)));
  const afterOne = [...times(300).map((i) => bodyOf(i, i)), ...both];
  expect(await warningsOf({ byJob: true }, afterOne)).toEqual(['two_on_one_path']);
});

test('of pushes that come one after the other, one of some thirty is looked at; all where they are few', () => {
  const countLooks = (pushes: number, msBetween: number): number => {
    let looks = 0;
    let nowMs = 0;
    const suspects = new Suspects(silentLog, () => nowMs);
    const { accumulators } = new State(initialAggregation, defaultLimits, 1);
    const batch = new Proxy(emptyBatch(1), {
      get(target, name) {
        if (name === 'began') looks += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
    for (let i = 0; i < pushes; i += 1) {
      suspects.see('[]', batch, accumulators);
      nowMs += msBetween;
    }
    return looks;
  };
  expect(countLooks(2000, 2)).toBe(2000);
  const looks = countLooks(100_256, 0.5) - 256;
  expect(100_000 / looks).toBeGreaterThan(28);
  expect(100_000 / looks).toBeLessThan(36);
});
