/**
 * Random runs for FUZZ_SECONDS (10 by default) of pushes in each format, and in all of them mixed, from FUZZ_SEED if given. A run that fails is cut down to what is needed and
 * printed; kept in corpus/ as a file, it is replayed by `npm test` from then on.
 */
import { expect, test } from 'vitest';

import { Random } from '../support/random.ts';
import { randomRun } from './generate.ts';
import type { FuzzFormat } from './generate.ts';
import { replay } from './replay.ts';
import type { FuzzRun } from './replay.ts';

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 10);
const firstSeed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

const pushed = ['text', 'openmetrics', 'protobuf', 'mixed'] as const;

/** To cut a failure down takes as long as it takes. */
const options = { timeout: (seconds + 600) * 1000 };

test.each(pushed)(`%s, random runs for ${seconds} s from seed ${firstSeed}`, options, async (format) => {
  const only: readonly FuzzFormat[] | undefined = format === 'mixed' ? undefined : [format];
  const untilMs = performance.now() + seconds * 1000;
  let runs = 0;
  for (; performance.now() < untilMs; runs += 1) {
    const run = randomRun(new Random(firstSeed + runs), only);
    const failure = await failureOf(run);
    if (failure === undefined) continue;
    const smaller = await shrunk(run);
    expect.fail(
      `seed ${firstSeed + runs}: ${await failureOf(smaller)}\nKeep it in corpus/:\n${JSON.stringify(smaller, undefined, 2)}`,
    );
  }
  console.log(`${format}: ${runs} runs without a difference`);
  expect(runs).toBeGreaterThan(0);
});

async function failureOf(run: FuzzRun): Promise<string | undefined> {
  try {
    await replay(run);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Leaves out steps and lines of bodies as long as it still fails. */
async function shrunk(run: FuzzRun): Promise<FuzzRun> {
  let smallest = run;
  for (let again = true; again;) {
    again = false;
    for (const candidate of smallerRuns(smallest)) {
      if ((await failureOf(candidate)) === undefined) continue;
      smallest = candidate;
      again = true;
      break;
    }
  }
  return smallest;
}

function* smallerRuns(run: FuzzRun): Iterable<FuzzRun> {
  for (const [index, step] of run.steps.entries()) {
    yield { ...run, steps: run.steps.toSpliced(index, 1) };
    if (!('push' in step)) continue;
    const lines = step.push.split('\n');
    for (let line = 0; line < lines.length && lines.length > 1; line += 1) {
      const push = lines.toSpliced(line, 1).join('\n');
      yield { ...run, steps: run.steps.with(index, { ...step, push }) };
    }
  }
}
