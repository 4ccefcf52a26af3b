import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import { aliveBytes } from '../support/collect-garbage.ts';

const PATHS = 8_000;
const PATH_CHARS = 12_000;

test('what is remembered of the paths of pushes is limited, however long they are', async () => {
  // By what the path says, so that it matters to each push.
  const rules = { metric_relabel_configs: [{ source_labels: ['__path_job'], target_label: 'job' }] };
  const gateway = createGateway({ rules });
  await gateway.push('', { path: 'job/a' });
  const before = aliveBytes();
  for (let i = 0; i < PATHS; i += 1)
    await gateway.push('', { path: `job/${String(i).padEnd(PATH_CHARS, 'a')}` });
  expect((aliveBytes() - before) / 2 ** 20).toBeLessThan(80);
  await gateway.close();
});
