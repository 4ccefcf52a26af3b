/** A long push is read in one way after the other until one fits; the rules may change in the very turn in which one turned out not to. */
import { expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';

/** Where a change falls among the ways depends on how busy the machine is. */
const TIMES = 20;

test('what is read after a change of rules is read by the new ones', async () => {
  const rules = (...more: readonly object[]): object => ({
    metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }],
    metrics: [...more, { match: 'g', gauge: 'max' }],
  });
  const body = [
    '\n'.repeat(130 * 1024),
    '# TYPE h histogram\n',
    ...['0.1', '+Inf'].map((le) => `h_bucket{pod="x",le="${le}"} 1\n`),
    'h_count{pod="x"} 1\n',
  ].join('');
  for (let times = 0; times < TIMES; times += 1) {
    const run = await RestartingGateway.start({ rules: rules() });
    await Promise.all([run.setRules(rules({ match: 'h', buckets: [2] })), run.gateway.push(body)]);
    expect(await run.page(plainText)).not.toContain('0.1');
    await run.gateway.close();
  }
});
