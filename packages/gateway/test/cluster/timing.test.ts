import { setTimeout as timeout } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { realTiming } from '../../src/cluster/timing.ts';

test('who sleeps for longer than timers can sleeps until the signal', async () => {
  const over = new AbortController();
  const slept = realTiming.sleep(100 * 86_400_000, over.signal).then(
    () => 'slept',
    (error: unknown) => error,
  );
  expect(await Promise.race([slept, timeout(50, 'sleeps')])).toBe('sleeps');
  const why = new Error('over');
  over.abort(why);
  expect(await slept).toBe(why);
});
