/** Pushes that are read in slices, while others change what they were read against. */
import { afterEach, expect, test, vi } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { State } from '../../src/state/state.ts';
import { decodeText } from '../../src/exposition/text/decode.ts';
import { createGateway } from '../../src/index.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { WorkingState } from '../state/working-state.ts';

afterEach(() => vi.restoreAllMocks());

test.each([
  [-5, 10],
  [5, -10],
])('whether an untyped series of %d can be a counter is asked again after %d more', (first, more) => {
  const working = new WorkingState({}, 1);
  working.push(`foo_total{a="1"} ${first}\nother 1\n`);
  const builder = new PushBuilder(working.state);
  const body = Buffer.from('# TYPE foo_total counter\nfoo_total{a="1"} 1\n');
  builder.begin(body);
  decodeText(body, 0, body.length, builder);
  builder.finish();
  expect(atOnce(builder.isCurrentInSteps())).toBe(true);
  working.push('other 1\n');
  expect(atOnce(builder.isCurrentInSteps())).toBe(true);
  working.push(`foo_total{a="1"} ${more}\n`);
  expect(atOnce(builder.isCurrentInSteps())).toBe(false);
});

test('an untyped series whose total changes meanwhile is there once', async () => {
  const gateway = createGateway();
  const others = Array.from({ length: 40_000 }, (_, i) => `g{i="${i}"} 1\n`).join('');
  for (let round = 0; round < 5; round += 1) {
    const name = `foo${round}_total`;
    await gateway.push(`${name} -5\n`);
    const long = gateway.push(`# TYPE ${name} counter\n${name} 1\n# TYPE g gauge\n${others}`);
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await gateway.push(`${name} 10\n`);
    await long;
    const lines = (await gateway.scrape()).split('\n').filter((line) => line.startsWith(`${name} `));
    // The one push or the other came first; where it was the long one, it found a negative total, which is no counter.
    expect([[`${name} 6`], [`${name} 11`]]).toContainEqual(lines);
  }
});

test('numbers are used again where all pushes are long', async () => {
  const recycle = vi.spyOn(State.prototype, 'recycleInSteps');
  const gateway = createGateway({ byJob: true });
  for (let round = 0; round < 12; round += 1) {
    const lines = Array.from({ length: 6000 }, (_, i) => `g{i="${i}",round="${round}"} 1\n`);
    await gateway.push(`# TYPE g gauge\n${lines.join('')}`, { method: 'PUT', path: 'job/a' });
  }
  expect(recycle.mock.calls.length).toBeGreaterThan(2);
  expect((await gateway.scrape()).match(/^g\{/gm)).toHaveLength(6000);
});
