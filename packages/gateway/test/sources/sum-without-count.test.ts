/** In a group of Pushgateway a summary goes with its last count: what is pushed without one must not be left with nothing to be part of. */
import { expect, test } from 'vitest';

import { WorkingState } from '../state/working-state.ts';

const source = '[["job","a"]]';

test.each([
  ['had a count before', '# TYPE s summary\ns_sum 5\ns_count 3\n'],
  ['came before its TYPE', 's_sum 5\n'],
])('a summary that %s and has a sum alone now keeps it', async (_, before) => {
  const one = new WorkingState({ byJob: true, groups: true }, 1);
  for (const body of [before, '# TYPE s summary\ns_sum 4\n', '# TYPE s summary\ns_sum 4\n'])
    expect(one.push(body, { source })).toBe('taken');
  const page = '# TYPE s summary\ns_sum 4\ns_count 0\n';
  expect(await one.page()).toBe(page);
  const restored = await one.restored(2);
  expect(await restored.page()).toBe(page);
});
