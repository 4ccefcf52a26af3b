/** Whatever senders of both kinds do, and however rules change, the page is that of a model that keeps what each has pushed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { GaugePolicy } from '../../src/rules/rules.ts';
import { RequestError } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

const jobs = ['a', 'b', 'c'] as const;
type Job = (typeof jobs)[number];
type Mode = 'add' | 'by-job';

/** As the file says it, with times in milliseconds. */
interface SourceRule {
  readonly job: Job | 'all';
  readonly mode?: Mode;
  readonly resets?: 'overwrite' | 'accumulate';
  readonly pruneMs?: number;
  readonly forgetMs?: number;
}

interface Defaults {
  readonly byJob: boolean;
  readonly pruneMs: number;
  readonly forgetMs: number;
}

interface Push {
  readonly job: Job;
  readonly method: 'POST' | 'PUT';
  readonly counter: number | undefined;
  readonly gauge: number | undefined;
}

interface Gauge {
  readonly value: number;
  /** The larger, the newer. */
  readonly order: number;
}

interface Source {
  counter: number | undefined;
  gauge: Gauge | undefined;
  atMs: number;
  isPruned: boolean;
}

type Policy = Exclude<GaugePolicy, 'avg' | 'count'>;

class Model {
  readonly sources = new Map<Job, Source>();
  rules: readonly SourceRule[] = [];
  readonly #defaults: Defaults;
  readonly #policy: Policy;
  /** Of the counter: what nobody takes back. */
  #rest: number | undefined;
  /** Of the gauge: what senders that add have of it. */
  #common: Gauge | undefined;
  #order = 0;

  constructor(defaults: Defaults, policy: Policy) {
    this.#defaults = defaults;
    this.#policy = policy;
  }

  modeOf(job: Job, rules = this.rules): Mode {
    return (
      rules.find((rule) => rule.job === job || rule.job === 'all')?.mode ??
      (this.#defaults.byJob ? 'by-job' : 'add')
    );
  }

  push(push: Push, nowMs: number): void {
    this.#order += 1;
    if (this.modeOf(push.job) === 'add') this.#add(push);
    else this.#replace(push, nowMs);
  }

  #add({ counter, gauge }: Push): void {
    if (counter !== undefined) this.#rest = (this.#rest ?? 0) + counter;
    if (gauge === undefined) return;
    const value =
      this.#policy === 'last' || this.#common === undefined
        ? gauge
        : combined(this.#policy, [this.#common.value, gauge]);
    this.#common = { value, order: this.#order };
  }

  #replace({ job, method, counter, gauge }: Push, nowMs: number): void {
    const source = this.sources.get(job) ?? {
      counter: undefined,
      gauge: undefined,
      atMs: 0,
      isPruned: false,
    };
    this.sources.set(job, source);
    source.atMs = nowMs;
    source.isPruned = false;
    if (counter !== undefined) {
      const isRestart = counter < (source.counter ?? 0) && this.#ruleOf(job)?.resets === 'accumulate';
      if (isRestart) this.#fold(source);
      source.counter = counter;
    }
    if (gauge !== undefined) source.gauge = { value: gauge, order: this.#order };
    else if (method === 'PUT') source.gauge = undefined;
  }

  #fold({ counter }: Source): void {
    if (counter !== undefined) this.#rest = (this.#rest ?? 0) + counter;
  }

  #ruleOf(job: Job): SourceRule | undefined {
    return this.rules.find((rule) => rule.job === job || rule.job === 'all');
  }

  retire(job: Job): void {
    const source = this.sources.get(job);
    if (source === undefined) return;
    this.#fold(source);
    this.sources.delete(job);
  }

  /** Whether the rules are taken. */
  setRules(rules: readonly SourceRule[]): boolean {
    if ([...this.sources.keys()].some((job) => this.modeOf(job, rules) === 'add')) return false;
    // Where all senders added, and none does from now on, nobody knows whose gauges are.
    if (this.#modes(this.rules).join() === 'add' && this.#modes(rules).join() === 'by-job')
      this.#common = undefined;
    this.rules = rules;
    return true;
  }

  #modes(rules: readonly SourceRule[]): readonly Mode[] {
    const otherwise = this.#defaults.byJob ? 'by-job' : 'add';
    const last = rules.findIndex(({ job }) => job === 'all');
    const reached = last < 0 ? [...rules, undefined] : rules.slice(0, last + 1);
    return [...new Set(reached.map((rule) => rule?.mode ?? otherwise))];
  }

  expire(nowMs: number): void {
    for (const [job, source] of this.sources) {
      const { pruneMs, forgetMs } = { ...this.#defaults, ...this.#ruleOf(job) };
      const isPast = (ms: number): boolean => ms > 0 && nowMs > source.atMs + ms;
      if (isPast(forgetMs)) this.retire(job);
      else if (isPast(pruneMs)) {
        source.gauge = undefined;
        source.isPruned = true;
      }
    }
  }

  get page(): string {
    const counters = [this.#rest, ...[...this.sources.values()].map(({ counter }) => counter)].filter(
      (value) => value !== undefined,
    );
    const gauges = [this.#common, ...[...this.sources.values()].map(({ gauge }) => gauge)].filter(
      (gauge) => gauge !== undefined,
    );
    return [
      ...(counters.length === 0 ? [] : [`# TYPE c counter\nc ${combined('sum', counters)}\n`]),
      ...(gauges.length === 0 ? [] : [`# TYPE g gauge\ng ${this.#shown(gauges)}\n`]),
    ].join('');
  }

  #shown(gauges: readonly Gauge[]): number {
    if (this.#policy === 'last')
      return gauges.reduce((newest, each) => (each.order > newest.order ? each : newest)).value;
    return combined(
      this.#policy,
      gauges.map(({ value }) => value),
    );
  }
}

function combined(policy: Exclude<Policy, 'last'>, values: readonly number[]): number {
  if (policy === 'max') return Math.max(...values);
  if (policy === 'min') return Math.min(...values);
  return values.reduce((sum, value) => sum + value, 0);
}

const ms = fc.constantFrom(0, 500, 1500, 4000);
const rule = (job: Job | 'all'): fc.Arbitrary<SourceRule> =>
  fc.record(
    {
      job: fc.constant(job),
      mode: fc.constantFrom('add', 'by-job'),
      resets: fc.constantFrom('overwrite', 'accumulate'),
      pruneMs: ms,
      forgetMs: ms,
    },
    { requiredKeys: ['job'] },
  );
/** Behind one for all there can be no other. */
const ruleLists = fc
  .uniqueArray(fc.constantFrom(...jobs, 'all' as const), { maxLength: 4 })
  .chain((which) =>
    fc.tuple(...which.toSorted((a, b) => Number(a === 'all') - Number(b === 'all')).map(rule)),
  );
const value = fc.integer({ min: 0, max: 9 });
const steps = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      job: fc.constantFrom(...jobs),
      method: fc.constantFrom('POST', 'PUT'),
      counter: fc.option(value, { nil: undefined }),
      gauge: fc.option(value, { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ passedMs: fc.constantFrom(300, 900, 2500) }) },
  { weight: 3, arbitrary: fc.record({ rules: ruleLists }) },
  { weight: 2, arbitrary: fc.record({ retired: fc.constantFrom(...jobs) }) },
  { weight: 1, arbitrary: fc.record({ restarts: fc.constant(true), withSnapshot: fc.boolean() }) },
);

/** What is for senders by job alone is refused in an entry that says that they add. */
function fileOf(policy: Policy, rules: readonly SourceRule[]): object {
  return {
    metrics: [{ match: 'g', gauge: policy }],
    sources: rules.map(({ job, mode, resets, pruneMs, forgetMs }) => ({
      ...(job === 'all' ? {} : { match: `{job="${job}"}` }),
      path_labels: 'drop',
      ...(mode && { mode }),
      ...(mode !== 'add' && {
        ...(resets && { counter_resets: resets }),
        ...(pruneMs !== undefined && { prune_after: pruneMs === 0 ? 0 : `${pruneMs}ms` }),
        ...(forgetMs !== undefined && { forget_after: forgetMs === 0 ? 0 : `${forgetMs}ms` }),
      }),
    })),
  };
}

function bodyOf({ counter, gauge }: Push): string {
  return [
    ...(counter === undefined ? [] : [`# TYPE c counter\nc ${counter}\n`]),
    ...(gauge === undefined ? [] : [`# TYPE g gauge\ng ${gauge}\n`]),
  ].join('');
}

async function setRules(running: RestartingGateway, file: object): Promise<boolean> {
  try {
    await running.setRules(file);
    return true;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'reload_failed') return false;
    throw error;
  }
}

const defaultsOf = fc.record({ byJob: fc.boolean(), pruneMs: ms, forgetMs: ms });
const policies = fc.constantFrom<Policy>('sum', 'max', 'min', 'last');

test('pushes in both modes, reloads, expiries, deletes and restarts', async () => {
  const seen = { refused: 0, taken: 0 };
  await fc.assert(
    fc.asyncProperty(
      defaultsOf,
      policies,
      fc.array(steps, { maxLength: 40, size: 'max' }),
      async (defaults, policy, course) => {
        let nowMs = 1_000_000;
        const options = {
          byJob: defaults.byJob,
          jobPruneDurationMs: defaults.pruneMs,
          jobForgetDurationMs: defaults.forgetMs,
          rules: fileOf(policy, []),
          clock: { now: () => nowMs },
        };
        const running = await RestartingGateway.start(options);
        const model = new Model(defaults, policy);
        try {
          for (const step of course) {
            if ('job' in step) {
              await running.gateway.push(bodyOf(step), { path: `job/${step.job}`, method: step.method });
              model.push(step, nowMs);
            } else if ('passedMs' in step) nowMs += step.passedMs;
            else if ('retired' in step) {
              await running.gateway.delete(`job/${step.retired}`);
              model.retire(step.retired);
            } else if ('rules' in step) {
              const isTaken = model.setRules(step.rules);
              seen[isTaken ? 'taken' : 'refused'] += 1;
              expect(await setRules(running, fileOf(policy, step.rules))).toBe(isTaken);
            } else {
              // The time of a start is that of what was kept last.
              await running.gateway.push('', { path: 'job/a' });
              model.push({ job: 'a', method: 'POST', counter: undefined, gauge: undefined }, nowMs);
              if (step.withSnapshot) await running.takeSnapshot();
              const { rules: _, ...flags } = options;
              await running.restart(
                { ...flags, rules: fileOf(policy, model.rules) },
                { acceptModeChange: false },
              );
            }
            model.expire(nowMs);
            expect(await running.page(plainText)).toBe(model.page);
            expect(running.sources).toBe(model.sources.size);
          }
        } finally {
          await running.gateway.close();
        }
      },
    ),
    { numRuns: runs(300, 40) },
  );
  expect(Math.min(seen.refused, seen.taken)).toBeGreaterThan(0);
});
