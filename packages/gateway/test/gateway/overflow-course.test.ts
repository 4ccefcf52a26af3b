/**
 * Whatever overflows, the sums over a family are those of a gateway without limits that took the same pushes: as series come and go, limits are
 * reloaded, and the gateway restarts. Sources by job push all series of a family each time, as clients do.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Limited, token } from '../support/limited.ts';
import { runs } from '../support/runs.ts';

const paths = ['job/x/instance/1', 'job/x/instance/2', 'job/y/instance/1', 'job/y/instance/2'] as const;
type Path = (typeof paths)[number];
/** Each process has one token. */
const tokenOf = {
  'job/x/instance/1': 'a',
  'job/x/instance/2': 'a',
  'job/y/instance/1': 'a',
  'job/y/instance/2': 'b',
};

interface Limits {
  readonly ofToken: number | null;
  readonly perHour: number | null;
  readonly ofSource: number | null;
  readonly ofJob: number | null;
  readonly ofFamily: number | null;
}
const most = (max: number): fc.Arbitrary<number | null> => fc.option(fc.integer({ min: 1, max }));
const limits: fc.Arbitrary<Limits> = fc.record({
  ofToken: most(20),
  perHour: most(20),
  ofSource: most(10),
  ofJob: most(20),
  ofFamily: most(4),
});

function fileOf({ ofToken, perHour, ofSource, ofJob, ofFamily }: Limits): string {
  const ofA = [
    ...(ofToken === null ? [] : [`series_max: ${ofToken}`]),
    ...(perHour === null ? [] : [`new_series_per_hour: ${perHour}`]),
    ...(ofToken === null && perHour === null ? [] : ['on_limit: overflow']),
  ].join(', ');
  const ofX = [
    ...(ofSource === null ? [] : [`series_max: ${ofSource}`]),
    ...(ofJob === null ? [] : [`job_series_max: ${ofJob}`]),
  ];
  return [
    'access:\n  tokens:',
    token('a', ofA).trimEnd(),
    token('b', ofToken === null ? '' : `series_max: ${ofToken + 5}, on_limit: overflow`)
      .replace(', limits', ', set_labels: {site: b}, limits')
      .trimEnd(),
    ...(ofX.length === 0 ? [] : [`sources:\n- {match: '{job="x"}', ${ofX.join(', ')}, on_limit: overflow}`]),
    'metrics:\n- {match: other, series_max: 1}',
    ...(ofFamily === null
      ? []
      : [`- {match: '{__name__=~"c_total|h|u|g"}', series_max: ${ofFamily}, on_limit: overflow}`]),
    '',
  ].join('\n');
}
const unlimited: Limits = { ofToken: null, perHour: null, ofSource: null, ofJob: null, ofFamily: null };

const label = fc.integer({ min: 0, max: 3 }).map(String);
const families = ['g', 'c', 'h', 'u'] as const;
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      path: fc.constantFrom(...paths),
      method: fc.constantFrom('PUT' as const, 'POST' as const),
      format: fc.constantFrom('text' as const, 'openmetrics' as const),
      isLong: fc.nat(19).map((chance) => chance === 0),
      isTwice: fc.nat(19).map((chance) => chance === 0),
      /** What it has something of. */
      families: fc.subarray([...families], { minLength: 1 }),
      /** More series of the source, and how much is added to each. */
      more: fc.uniqueArray(label, { maxLength: 4 }),
      labels: fc.constantFrom('i', 'j'),
      gauges: fc.uniqueArray(label, { maxLength: 5 }),
      adds: fc.nat(4),
      restarts: fc.nat(12).map((chance) => chance === 0),
      starts: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ deleted: fc.constantFrom(...paths) }) },
  { weight: 1, arbitrary: fc.record({ match: fc.constantFrom('g', 'h', 'c_total') }) },
  { weight: 3, arbitrary: fc.record({ limits }) },
  { weight: 2, arbitrary: fc.record({ snapshot: fc.boolean() }) },
);
type Pushed = Extract<typeof step extends fc.Arbitrary<infer Value> ? Value : never, { path: string }>;

const TOTAL = 1_000_000;
/** So many fewer, that all of it is less than it was, although it may be of more series by then. */
const RESTARTED_PART = 20;

/** What a process has counted. */
class Client {
  #total = TOTAL;
  #startSeconds = 1_600_000_000;
  #labels = new Set<string>();
  #gauges = new Set<string>();

  copy(): Client {
    const copy = new Client();
    copy.#total = this.#total;
    copy.#startSeconds = this.#startSeconds;
    copy.#labels = new Set(this.#labels);
    copy.#gauges = new Set(this.#gauges);
    return copy;
  }

  bodyOf(pushed: Pushed, byJob: boolean): string {
    const { format, isLong, more, labels, gauges, adds, restarts, starts, method } = pushed;
    // Senders that add push what has come since, and nothing needs to be in each push.
    if (!byJob) this.#labels = new Set();
    const hasRestarted = restarts && this.#total >= RESTARTED_PART;
    for (const each of more) this.#labels.add(`${labels}="${each}"`);
    if (hasRestarted) this.#startSeconds += 100;
    this.#total = hasRestarted ? Math.floor(this.#total / RESTARTED_PART) : this.#total + adds;
    // What a POST leaves out stays.
    if (method === 'PUT') this.#gauges.clear();
    for (const each of gauges) this.#gauges.add(each);
    const isOpenMetrics = format === 'openmetrics';
    const all = [...this.#labels];
    const total = this.#total;
    const lines = {
      g: ['# TYPE g gauge', ...[...this.#gauges].map((i) => `g{i="${i}"} ${i}.5`)],
      c: [
        `# TYPE ${isOpenMetrics ? 'c' : 'c_total'} counter`,
        ...all.map((each) => `c_total{${each}} ${total}`),
        ...(starts && !isOpenMetrics
          ? ['# TYPE c_created gauge', ...all.map((each) => `c_created{${each}} ${this.#startSeconds}`)]
          : []),
      ],
      h: [
        '# TYPE h histogram',
        ...all.flatMap((each) => [
          `h_bucket{${each},le="1.0"} ${total}`,
          `h_bucket{${each},le="+Inf"} ${2 * total}`,
          `h_sum{${each}} ${total / 2}`,
          `h_count{${each}} ${2 * total}`,
        ]),
      ],
      u: isOpenMetrics ? [] : all.map((each) => `u{${each}} ${total}`),
    };
    return [
      ...(isLong ? Array.from({ length: 140 }, () => `# ${'x'.repeat(1000)}`) : []),
      ...pushed.families.flatMap((each) => lines[each]),
      ...(isOpenMetrics ? ['# EOF'] : []),
      '',
    ].join('\n');
  }
}

/** By the name of its samples, and their bound. */
async function sumsOf(limited: Limited): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  for (const line of await limited.lines()) {
    const [, name, bound = ''] = /^(\w+)(?:.*(le="[^"]*"))?/.exec(line)!;
    if (name === 'c_created') continue;
    const key = `${name} ${bound}`;
    sums.set(key, (sums.get(key) ?? 0) + Number(line.slice(line.lastIndexOf(' '))));
  }
  for (const [key, sum] of sums) if (sum === 0) sums.delete(key);
  return sums;
}

const modes = [
  { byJob: false },
  { byJob: true },
  { byJob: true, jobCounterResets: 'accumulate' },
  { byJob: true, jobCounterResets: 'accumulate-by-value' },
] as const;

test.each(modes)('sums over families are as without limits: %o', async (mode) => {
  let overflowed = 0;
  await fc.assert(
    fc.asyncProperty(
      limits,
      fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
      async (first, steps) => {
        const options = { ...mode, openmetrics: 'lenient' };
        const [limited, free] = [
          await Limited.with(fileOf(first), options),
          await Limited.with(fileOf(unlimited), options),
        ];
        const clients = new Map<Path, Client>();
        let overflows = false;
        for (const each of [...steps, { snapshot: false }, { snapshot: true }]) {
          if ('snapshot' in each) await limited.restart(each);
          else if ('limits' in each) await limited.reload(fileOf(each.limits));
          else if ('match' in each) for (const one of [limited, free]) await one.deleteSeries(each.match);
          else if ('deleted' in each) {
            clients.delete(each.deleted);
            for (const one of [limited, free]) await one.delete(each.deleted);
          } else {
            const { path, method, format } = each;
            const client = clients.get(path)?.copy() ?? new Client();
            const body = client.bodyOf(each, mode.byJob);
            const push = (to: Limited): Promise<string> =>
              to.push(body, { token: tokenOf[path], path, method, format });
            const outcomes = await Promise.all([push(limited), ...(each.isTwice ? [push(limited)] : [])]);
            for (const outcome of outcomes)
              if (outcome === 'applied') {
                clients.set(path, client);
                await push(free);
              } else expect(outcome).toMatch(/^(series_limit|too_many_requests): /);
          }
          const sums = await sumsOf(limited);
          expect(sums).toEqual(await sumsOf(free));
          overflows ||= (await limited.page()).includes('__overflow__');
        }
        if (overflows) overflowed += 1;
        await Promise.all([limited.close(), free.close()]);
      },
    ),
    { numRuns: runs(40, 4) },
  );
  expect(overflowed).toBeGreaterThan(0);
});
