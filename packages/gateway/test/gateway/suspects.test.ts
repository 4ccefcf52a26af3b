/** Senders for which the mode of the gateway is wrong are told of, and no others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
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
