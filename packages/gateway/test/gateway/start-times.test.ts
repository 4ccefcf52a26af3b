/** Start times that come as gauges, in protobuf, where `test/cases/created.md` has no words for them. */
import { expect, test } from 'vitest';

import { plainText } from '../../src/model/page-format.ts';
import { counter, family, gauge } from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';

const format = 'protobuf';
const labels = { l: 'é "1"' };

function pushOf(created: number, name = 'rooms_total'): Buffer {
  return Buffer.concat([
    family('rooms_created', { type: 'gauge' }, gauge(labels, created)),
    family(name, { type: 'counter' }, counter(labels, 1)),
  ]);
}

test.each([
  ['of a time, the earliest is kept', [1.6e9, 1.5e9, 1.65e9], 1_500_000_000],
  ['a number that is no time adds up', [5, 7, 1], 13],
])('a gauge x_created in protobuf: %s', async (_, values, expected) => {
  const run = await RestartingGateway.start({});
  for (const value of values) await run.gateway.push(pushOf(value), { format });
  await run.restart();
  expect(await run.page(plainText)).toContain(`rooms_created{l="é \\"1\\""} ${expected}\n`);
});

test('a gauge x_created in protobuf is the start time of no other counter', async () => {
  const run = await RestartingGateway.start({});
  for (let twice = 0; twice < 2; twice += 1)
    await run.gateway.push(pushOf(1.5e9, 'rooms_x_total'), { format });
  expect(await run.page(plainText)).toContain('} 3000000000\n');
});
