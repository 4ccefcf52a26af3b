/** Earlier versions let a counter fall below zero, where a source had pushed it untyped and negative. Their snapshots open. */
import { expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { WorkingState } from '../state/working-state.ts';

test('a counter below zero is what its sources have of it that a counter can have', async () => {
  const one = new WorkingState({ byJob: true }, 1);
  one.push('# TYPE c counter\nc 3\n', { source: 'a' });
  one.push('# TYPE c counter\nc 2\n', { source: 'b' });
  // As it was left by them: b has -8, and the total all of it.
  const { accumulators, sources } = one.state;
  const left = { accumulators: Int32Array.of(0), values: Float64Array.of(-8), length: 1 };
  atOnce(sources.contributions.replace(sources.list.find('b'), left, one.state.pace));
  accumulators.add(0, -10);
  expect(await one.page()).toBe('# TYPE c counter\nc -5\n');

  const restored = await one.restored(2);
  expect(await restored.page()).toBe('# TYPE c counter\nc 3\n');
  restored.push('# TYPE c counter\nc 1\n', { source: 'b' });
  expect(await restored.page()).toBe('# TYPE c counter\nc 4\n');
});
