/** By job, one name with any type: a naive model says when a push may give it another one, and what the page is then. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { RequestError } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

type Type = 'counter' | 'gauge' | 'histogram';

interface Push {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly type: Type;
  /** Of a histogram, its count and its sum. */
  readonly values: Readonly<Record<string, number>>;
}

class NaiveFamily {
  #type: Type | undefined;
  readonly #accumulate: boolean;
  readonly #bySource = new Map<string, Map<string, number>>();
  /** What is shown, though maybe nobody has it; with the total of those that are gone, or began anew. */
  readonly #folded = new Map<string, number>();

  constructor(accumulate: boolean) {
    this.#accumulate = accumulate;
  }

  /** False where it is refused. */
  push({ source, method, type, values }: Push): boolean {
    if (this.#type !== undefined && this.#type !== type && !this.#mayGo(method === 'PUT' ? source : ''))
      return false;
    if (this.#type !== type) {
      this.#type = type;
      this.#bySource.clear();
      this.#folded.clear();
    }
    const own = this.#bySource.get(source) ?? new Map<string, number>();
    this.#bySource.set(source, own);
    if (method === 'PUT' && type === 'gauge') own.clear();
    for (const [series, value] of Object.entries(values)) {
      const before = own.get(series) ?? 0;
      const folded = this.#folded.get(series) ?? 0;
      const hasBegunAnew = this.#accumulate && type !== 'gauge' && value < before;
      this.#folded.set(series, folded + (hasBegunAnew ? before : 0));
      own.set(series, value);
    }
    this.#clean();
    return true;
  }

  delete(source: string): void {
    for (const [series, value] of this.#bySource.get(source) ?? [])
      if (this.#type !== 'gauge') this.#folded.set(series, this.#folded.get(series)! + value);
    this.#bySource.delete(source);
    this.#clean();
  }

  page(): string {
    if (this.#folded.size === 0) return '';
    const lines = [...this.#folded.keys()]
      .toSorted()
      .flatMap((series) => linesOf(this.#type!, series, this.#totalOf(series)));
    return [`# TYPE x ${this.#type}`, ...lines].map((line) => `${line}\n`).join('');
  }

  #mayGo(source: string): boolean {
    const isHeld = [...this.#bySource].some(([other, { size }]) => other !== source && size > 0);
    return !isHeld && [...this.#folded.values()].every((value) => value === 0);
  }

  /** A gauge goes with the last source that has it. */
  #clean(): void {
    if (this.#type !== 'gauge') return;
    for (const series of this.#folded.keys())
      if (![...this.#bySource.values()].some((has) => has.has(series))) this.#folded.delete(series);
    if (this.#folded.size === 0) this.#type = undefined;
  }

  #totalOf(series: string): number {
    return [...this.#bySource.values()].reduce(
      (sum, has) => sum + (has.get(series) ?? 0),
      this.#folded.get(series)!,
    );
  }
}

function linesOf(type: Type, series: string, value: number): string[] {
  if (type !== 'histogram') return [`x{s="${series}"} ${value}`];
  return [
    `x_bucket{s="${series}",le="+Inf"} ${value}`,
    `x_sum{s="${series}"} ${value}`,
    `x_count{s="${series}"} ${value}`,
  ];
}

const push: fc.Arbitrary<Push> = fc.record({
  source: fc.constantFrom('a', 'b'),
  method: fc.constantFrom('PUT', 'PUT', 'POST'),
  type: fc.constantFrom('counter', 'gauge', 'histogram'),
  values: fc.dictionary(fc.constantFrom('1', '2'), fc.constantFrom(0, 0, 1, 2), { minKeys: 1 }),
});
const step = fc.record({
  does: fc.oneof({ weight: 4, arbitrary: push }, { weight: 1, arbitrary: fc.constantFrom('a', 'b') }),
  after: fc.constantFrom('', '', '', 'restart', 'snapshot'),
});

test.each(['overwrite', 'accumulate'] as const)(
  'a type changes as a naive model says (%s)',
  async (jobCounterResets) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
        const running = await RestartingGateway.start({ byJob: true, jobCounterResets });
        const naive = new NaiveFamily(jobCounterResets === 'accumulate');
        for (const { does, after } of steps) {
          if (typeof does === 'string') {
            await running.gateway.delete(`job/${does}`);
            naive.delete(does);
          } else {
            const { source, method, type, values } = does;
            const lines = Object.entries(values).flatMap(([series, value]) => linesOf(type, series, value));
            const taken = await running.gateway
              .push(`# TYPE x ${type}\n${lines.join('\n')}\n`, { path: `job/${source}`, method })
              .catch((error: unknown) => error);
            if (taken instanceof Error && !(taken instanceof RequestError)) throw taken;
            expect(taken === 'applied').toBe(naive.push(does));
          }
          if (after === 'snapshot') await running.takeSnapshot();
          if (after !== '') await running.restart();
          expect(await running.page(plainText)).toBe(naive.page());
        }
        await running.gateway.close();
      }),
      { numRuns: runs(150) },
    );
  },
);
