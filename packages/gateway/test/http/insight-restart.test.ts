/** What is left of what is known of pushes once the gateway was started again: what is in the state, and nothing else. */
import { request } from 'node:http';

import { expect, test } from 'vitest';

import { openGateway } from '../../src/create-gateway.ts';
import { embed } from '../../src/embed.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { temporaryFolder } from '../support/folders.ts';
import { run } from './helpers.ts';

function ask(port: number, path: string): Promise<any> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false }, (reply) => {
      let text = '';
      reply.on('data', (part) => (text += String(part)));
      reply.on('end', () => resolve((JSON.parse(text) as { data: unknown }).data));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('sources and their parts are known again, and what was remembered is not', async () => {
  const storage = { path: temporaryFolder() };
  const first = await openGateway({ byJob: true, storage });
  await first.push('# TYPE c counter\nc 5\n', { path: 'job/x' });
  const page = await first.scrape();
  await first.close();
  const again = await openGateway({ byJob: true, storage });
  try {
    const { port } = await again.start({ host: '127.0.0.1' });
    expect(await again.scrape()).toBe(page);
    const { families } = await ask(port, '/api/v1/families');
    expect(families).toMatchObject([{ name: 'c', series: 1, senders: 1, pushes: 0, rate: null }]);
    const { sources } = await ask(port, '/api/v1/sources');
    expect(sources).toMatchObject([{ groupingKey: { job: 'x' }, samples: 1, pushes: null, token: null }]);
    expect(sources[0].ageSeconds).toBeLessThan(600);
    const { series } = await ask(port, '/api/v1/explain?match[]=c');
    expect(series).toMatchObject([{ value: '5', mode: 'by-job', senders: [{ path: 'job/x', share: 5 }] }]);
    const { points } = await ask(port, '/api/v1/history?family=c');
    // A rate needs two of them.
    expect(points.every((point: unknown) => point === null)).toBe(true);
    const [group] = await ask(port, '/api/v1/metrics');
    expect(group).toMatchObject({ labels: { job: 'x' }, last_push_successful: true });
  } finally {
    await again.close();
  }
});

test('of a member of a cluster that was overtaken, it is asked what there is now', async () => {
  const { gateway, port } = await run();
  expect(await ask(port, '/api/v1/families')).toMatchObject({ families: [{ name: 'a' }] });
  const next = embed({}, memoryJournal());
  await next.embedded.push('b 1\n');
  Object.defineProperty(gateway, 'insight', { value: next.gateway.insight });
  expect(await ask(port, '/api/v1/families')).toMatchObject({ families: [{ name: 'b' }] });
  await next.embedded.close();
});
