import { expect, test } from 'vitest';

import { defaultLimits } from '../../src/store/limits.ts';
import { WorkingState } from '../state/working-state.ts';

test('an untyped series that a PUT leaves out, and makes a counter of, makes no room for others', () => {
  const one = new WorkingState({ byJob: true }, 1, { ...defaultLimits, seriesMax: 1 });
  expect(one.push('x 0\n', { method: 'PUT' })).toBe('taken');
  expect(one.push('# TYPE x counter\nx{l="a"} 0\n', { method: 'PUT' })).toBe('series_limit');
  expect(one.state.accumulators.size).toBe(1);
});
