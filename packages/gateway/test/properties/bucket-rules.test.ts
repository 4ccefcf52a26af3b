/**
 * Histograms whose buckets rules change while they are stored: the page is that of a model which keeps what each source has in each bucket, and
 * folds all of it when the list changes. Senders whose counts only grow are counted once, whatever the lists were.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { shortenSteps } from '../support/short-steps.ts';
import { runs } from '../support/runs.ts';

type Mode = 'add' | 'overwrite' | 'accumulate';
type List = readonly number[] | undefined;
/** What is in each bucket alone, by bound. */
type Buckets = Map<number, number>;

const pushedBounds = [0.1, 0.25, 0.5, 1, 2.5];
const listedBounds = [0.1, 0.3, 0.5, 1, 2, 2.5];
const names = ['x', 'y', 'z'];

const list: fc.Arbitrary<List> = fc.option(
  fc.subarray(listedBounds, { minLength: 1 }),
  // No rule for it.
  { nil: undefined, freq: 3 },
);

type Step =
  | { readonly push: string; readonly counts: readonly number[]; readonly isAnew: boolean }
  | { readonly list: List }
  | { readonly remove: string }
  | { readonly restart: 'crash' | 'snapshot' | 'all records' };

const source = fc.constantFrom(...names);
const growth = fc.array(fc.nat(3), {
  minLength: pushedBounds.length + 1,
  maxLength: pushedBounds.length + 1,
});
/** With senders that begin anew, and sources that go. */
function steps(areSteady: boolean): fc.Arbitrary<Step[]> {
  const isAnew = areSteady ? fc.constant(false) : fc.integer({ min: 0, max: 4 }).map((one) => one === 0);
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ push: source, counts: growth, isAnew }) },
      { weight: 4, arbitrary: fc.record({ list }) },
      { weight: areSteady ? 0 : 1, arbitrary: fc.record({ remove: source }) },
      {
        weight: 1,
        arbitrary: fc.record({ restart: fc.constantFrom('crash', 'snapshot', 'all records') }),
      },
    ),
    { maxLength: 30 },
  );
}

function foldedBound(bound: number, to: List): number {
  if (to === undefined) return bound;
  return to.find((each) => bound <= each) ?? Infinity;
}

function folded(buckets: Buckets, to: List): Buckets {
  const result: Buckets = new Map();
  for (const [bound, count] of buckets) add(result, foldedBound(bound, to), count);
  return result;
}

function add(buckets: Buckets, bound: number, count: number): void {
  buckets.set(bound, (buckets.get(bound) ?? 0) + count);
}

function upTo(buckets: Buckets, bound: number): number {
  let count = 0;
  for (const [own, each] of buckets) if (own <= bound) count += each;
  return count;
}

/** A process that counts. */
class Sender {
  readonly #bounds: readonly number[];
  counted: Buckets = new Map();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(counts: readonly number[]): Buckets {
    const observed: Buckets = new Map();
    for (const [i, bound] of [...pushedBounds, Infinity].entries())
      add(observed, foldedBound(bound, this.#bounds), counts[i]!);
    for (const [bound, count] of observed) add(this.counted, bound, count);
    return observed;
  }
}

interface Held {
  buckets: Buckets;
  /** The list has changed since, so that other bounds may come. */
  isRebound: boolean;
}

class Model {
  readonly #mode: Mode;
  #list: List;
  /** A bound that was shown stays, until it is folded. */
  #shown: Buckets = new Map();
  /** What nobody can take back. */
  #rest: Buckets = new Map();
  readonly #sources = new Map<string, Held>();

  constructor(mode: Mode) {
    this.#mode = mode;
  }

  push(name: string, pushed: Buckets): void {
    const buckets = folded(pushed, this.#list);
    for (const bound of buckets.keys()) add(this.#shown, bound, 0);
    const before = this.#sources.get(name);
    if (this.#mode === 'add') this.#keep(buckets);
    else {
      if (before !== undefined && this.#mode === 'accumulate' && hasBegunAnew(before, buckets))
        this.#keep(before.buckets);
      this.#sources.set(name, { buckets, isRebound: false });
    }
  }

  setList(to: List): void {
    const before = this.#list;
    this.#list = to;
    this.#shown = folded(this.#shown, to);
    this.#rest = folded(this.#rest, to);
    const isKnown = before === undefined || to?.every((bound) => before.includes(bound)) === true;
    for (const each of this.#sources.values()) {
      each.buckets = folded(each.buckets, to);
      each.isRebound ||= !isKnown;
    }
  }

  remove(name: string): void {
    this.#keep(this.#sources.get(name)?.buckets ?? new Map());
    this.#sources.delete(name);
  }

  /** What is counted up to each bound. */
  page(): Buckets {
    const all: Buckets = new Map(this.#shown);
    for (const { buckets } of [{ buckets: this.#rest }, ...this.#sources.values()])
      for (const [bound, count] of buckets) add(all, bound, count);
    return new Map([...all.keys()].toSorted((a, b) => a - b).map((bound) => [bound, upTo(all, bound)]));
  }

  #keep(buckets: Buckets): void {
    for (const [bound, count] of buckets) add(this.#rest, bound, count);
  }
}

function hasBegunAnew({ buckets: before, isRebound }: Held, now: Buckets): boolean {
  if (upTo(now, Infinity) < upTo(before, Infinity)) return true;
  if (!isRebound) {
    const areSame = before.size === now.size && [...now.keys()].every((bound) => before.has(bound));
    return !areSame || [...now].some(([bound, count]) => count < before.get(bound)!);
  }
  return [...now.keys()].some((bound) => before.has(bound) && upTo(now, bound) < upTo(before, bound));
}

function bodyOf(buckets: Buckets): string {
  const bounds = [...buckets.keys()].toSorted((a, b) => a - b);
  const lines = bounds.map(
    (bound) => `h_bucket{l="a",le="${bound === Infinity ? '+Inf' : bound}"} ${upTo(buckets, bound)}`,
  );
  return ['# TYPE h histogram', ...lines, `h_count{l="a"} ${upTo(buckets, Infinity)}`, ''].join('\n');
}

/** Reads a page back. */
function countsOf(page: string): Buckets {
  const lines = [...page.matchAll(/^h_bucket\{l="a",le="(.*)"\} (.*)$/gm)];
  return new Map(lines.map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]));
}

function rulesFor(to: List): object {
  const other = { match: 'g', gauge: 'max' };
  return { metrics: to === undefined ? [other] : [other, { match: 'h{l="a"}', buckets: to }] };
}

class Run {
  readonly model: Model;
  readonly senders: ReadonlyMap<string, Sender>;
  readonly #mode: Mode;
  readonly #options: EmbeddedOptions;
  #gateway!: RestartingGateway;
  #list: List;

  constructor(mode: Mode, bounds: readonly (readonly number[])[]) {
    this.#mode = mode;
    this.#options =
      mode === 'add' ? {} : { byJob: true, jobCounterResets: mode === 'overwrite' ? mode : 'accumulate' };
    this.model = new Model(mode);
    this.senders = new Map(names.map((name, i) => [name, new Sender(bounds[i]!)]));
  }

  async begin(): Promise<void> {
    this.#gateway = await RestartingGateway.start({ ...this.#options, rules: rulesFor(undefined) });
  }

  async take(step: Step): Promise<void> {
    if ('push' in step) {
      const sender = this.senders.get(step.push)!;
      if (step.isAnew) sender.counted = new Map();
      const observed = sender.observe(step.counts);
      const pushed = this.#mode === 'add' ? observed : sender.counted;
      await this.#gateway.gateway.push(bodyOf(pushed), { path: `job/${step.push}` });
      this.model.push(step.push, pushed);
    } else if ('list' in step) {
      this.#list = step.list;
      await this.#gateway.setRules(rulesFor(step.list));
      this.model.setList(step.list);
    } else if ('remove' in step) {
      await this.#gateway.gateway.delete(`job/${step.remove}`);
      if (this.#mode !== 'add') this.model.remove(step.remove);
    } else {
      if (step.restart === 'snapshot') await this.#gateway.takeSnapshot();
      if (step.restart === 'all records') this.#gateway.loseSnapshot();
      await this.#gateway.restart({ ...this.#options, rules: rulesFor(this.#list) });
    }
  }

  async page(): Promise<Buckets> {
    return countsOf(await this.#gateway.page(plainText));
  }

  async close(): Promise<void> {
    await this.#gateway.gateway.close();
  }
}

const bounds = fc.array(fc.subarray(pushedBounds), { minLength: names.length, maxLength: names.length });
const modes: readonly Mode[] = ['add', 'overwrite', 'accumulate'];

test.each(
  modes.flatMap(
    (mode) =>
      [
        [mode, 1],
        [mode, 2048],
      ] as const,
  ),
)('the page is that of the model (%s, each row as much work as %s)', async (mode, times) => {
  if (times > 1) shortenSteps(times);
  await fc.assert(
    fc.asyncProperty(bounds, steps(false), async (own, all) => {
      const run = new Run(mode, own);
      await run.begin();
      for (const step of all) {
        await run.take(step);
        expect(await run.page()).toEqual(run.model.page());
      }
      await run.close();
    }),
    { numRuns: runs(120) },
  );
});

test.each(modes)('senders that only grow are counted once, and no bucket falls (%s)', async (mode) => {
  await fc.assert(
    fc.asyncProperty(bounds, steps(true), async (own, all) => {
      const run = new Run(mode, own);
      await run.begin();
      let before: Buckets = new Map();
      /** Bounds that every list had. */
      let kept = listedBounds;
      for (const step of all) {
        await run.take(step);
        if ('list' in step) kept = kept.filter((bound) => step.list?.includes(bound) !== false);
        const page = await run.page();
        for (const [bound, count] of before)
          expect(page.get(bound) ?? Infinity, `le=${bound}`).toBeGreaterThanOrEqual(count);
        before = page;
        for (const [bound, count] of page) {
          let counted = 0;
          for (const sender of run.senders.values()) counted += upTo(sender.counted, bound);
          if (bound === Infinity || kept.includes(bound)) expect(count, `le=${bound}`).toBe(counted);
          else expect(count, `le=${bound}`).toBeLessThanOrEqual(counted);
        }
      }
      await run.close();
    }),
    { numRuns: runs(160) },
  );
});
