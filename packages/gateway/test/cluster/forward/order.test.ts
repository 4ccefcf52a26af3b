/** What is passed on in another order than it was sent, and by processes that were started anew. */
import { expect, onTestFinished, test } from 'vitest';

import { requestHeaders } from '../../../src/cluster/forward/headers.ts';
import { Hold, Held } from '../../../src/cluster/forward/hold.ts';
import { Numbers } from '../../../src/cluster/forward/numbers.ts';
import { embed } from '../../../src/embed.ts';
import { parsePushPath } from '../../../src/http/routes/push-path.ts';
import { FORWARDED_WINDOW } from '../../../src/store/forwarded.ts';
import { sendTo, waitFor } from '../../http/helpers.ts';
import { KeptJournal } from '../../support/kept-journal.ts';
import { Members } from './members.ts';

type More = Parameters<Members['add']>[2];

async function pair(more: readonly [More, More]) {
  const { gateway } = embed({ byJob: true }, new KeptJournal());
  await gateway.open(3_600_000);
  onTestFinished(() => gateway.close());
  const members = new Members();
  const [a, b] = [await members.add('a', gateway, more[0]), await members.add('b', gateway, more[1])];
  members.lead(a);
  return { members, a, b, gateway };
}

const put = (port: number, value: number) =>
  sendTo(port, 'PUT', '/metrics/job/a', { body: `# TYPE g gauge\ng ${value}\n` });
const page = async (port: number): Promise<string> => (await sendTo(port, 'GET', '/metrics')).text;

test('a PUT that was held does not win over a newer one that came by another member', async () => {
  let [isReachable, passedMs] = [false, 0];
  const { members, a, b, gateway } = await pair([
    {},
    {
      leader: () => (isReachable ? a : undefined),
      // So that it is older for sure, however long the newer one takes.
      now: () => performance.now() + passedMs,
      bounds: { holdMs: 3_600_000 },
    },
  ]);
  const old = put(b.port, 1);
  await waitFor(() => b.forwarder.report.held === 1);
  expect((await put(a.port, 2)).status).toBe(202);
  [isReachable, passedMs] = [true, 600_000];
  for (const { forwarder } of members.all) forwarder.leaderChanged();
  expect((await old).status).toBe(202);
  expect(await page(b.port)).toContain('g 2\n');
  expect(gateway.holdingsByType().pushesLate).toBe(1);
  // The next one counts, though it comes by the same way.
  expect((await put(b.port, 3)).status).toBe(202);
  expect(await page(a.port)).toContain('g 3\n');
});

test('of PUTs that were held until a process leads that had not heard of the one before it, the newer one wins', async () => {
  const { gateway } = await pair([{}, {}]);
  const key = parsePushPath('job/a');
  const push = (value: number, heldMs: number) =>
    gateway.push({
      method: 'PUT',
      key,
      body: Buffer.from(`# TYPE g gauge\ng ${value}\n`),
      forwarded: { key: { member: `m${value}`, incarnation: 1, number: 0, below: 0 }, heldMs },
    });
  expect(await push(2, 500_000)).toBe('applied');
  expect(await push(1, 600_000)).toBe('late');
  expect(await push(3, 400_000)).toBe('applied');
});

test('a PUT that was held does not bring back a source that was deleted meanwhile', async () => {
  const { gateway } = await pair([{}, {}]);
  const key = parsePushPath('job/a');
  let number = 0;
  const from = (heldMs: number) => ({
    key: { member: 'm', incarnation: 1, number: (number += 1), below: 0 },
    heldMs,
  });
  const push = (value: number, heldMs: number) =>
    gateway.push({ method: 'PUT', key, body: Buffer.from(`g ${value}\n`), forwarded: from(heldMs) });
  await push(1, 700_000);
  await gateway.delete(key, undefined, from(500_000));
  expect(await push(2, 600_000)).toBe('late');
  expect(gateway.holdings().sources).toBe(0);
  // But it does not stand in the way of one that was sent later, and came later than the delete.
  expect(await push(3, 400_000)).toBe('applied');
  expect(gateway.holdings().sources).toBe(1);
});

test('a member whose clock went back between two starts is taken all the same', async () => {
  const { members, a, gateway, b } = await pair([{}, { incarnation: 500 }]);
  expect((await put(b.port, 1)).status).toBe(202);
  const again = await members.add('b', gateway, { incarnation: 300 });
  // Which says nothing of incarnations.
  const wrong = await sendTo(again.port, 'PUT', '/metrics/job', { body: 'g 1\n' });
  expect(wrong.status).toBe(400);
  expect((await Promise.all([put(again.port, 2), put(again.port, 3)])).map(({ status }) => status)).toEqual([
    202, 202,
  ]);
  expect(again.warnings).toEqual([]);
  // But the one before it is not, by now.
  const refused = await put(b.port, 4);
  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('has the same name')]);
  expect(b.warnings).toContain(
    'another process has the name of this member; give each its own --cluster.name',
  );
  expect(await page(a.port)).toMatch(/g [23]\n/);
});

test('numbers: the lowest that is waited for, a window, and what takes the place of a clock', () => {
  const numbers = new Numbers('b', 7);
  const [zero, one, two] = [numbers.take()!, numbers.take()!, numbers.take()!];
  expect(numbers.keyOf(two)).toEqual({ member: 'b', incarnation: 7, number: 2, below: 0 });
  numbers.settle(one);
  numbers.settle(zero);
  expect(numbers.keyOf(two)).toMatchObject({ number: 2, below: 2 });
  for (let more = FORWARDED_WINDOW - 1; more > 0; more -= 1) numbers.settle(numbers.take()!);
  expect(numbers.take()).toBeUndefined();
  numbers.settle(two);
  expect(numbers.take()).toMatchObject({ number: FORWARDED_WINDOW + 2 });
  expect(numbers.replacedBy(9)).toBe(true);
  expect(numbers.take()).toEqual({ incarnation: 10, number: 0 });
  // What was taken before is none of these.
  numbers.settle({ incarnation: 7, number: 0 });
  expect(numbers.keyOf(numbers.take()!)).toMatchObject({ incarnation: 10, number: 1, below: 0 });
  numbers.taken({ incarnation: 10, number: 0 });
  expect(numbers.replacedBy(11)).toBe(false);
  expect(numbers.replacedBy(9)).toBe(true);
});

test('the hold wakes those that have waited longest first, and one at a time', async () => {
  const hold = new Hold({ heldMax: 10, heldBytesMax: 100 });
  const woken: number[] = [];
  const waits = [0, 1, 2].map((i) => hold.wait(new Held('s', 1), 60_000).then(() => woken.push(i)));
  hold.wakeOne();
  await waits[0];
  hold.wakeAll();
  await Promise.all(waits);
  expect(woken).toEqual([0, 1, 2]);
});

test('a scraper waits no longer for a page that was held before', () => {
  const headers = (rawHeaders: string[], heldMs: number) =>
    requestHeaders(
      { rawHeaders, headers: {} },
      { host: 'leader:1', sealed: 's', heldMs, bodyBytes: undefined },
    );
  const timeout = 'X-Prometheus-Scrape-Timeout-Seconds';
  expect(headers([timeout, '10'], 2500)).toEqual(['Host', 'leader:1', 'pag-member', 's', timeout, '7.5']);
  expect(headers([timeout, 'soon'], 2500).at(-1)).toBe('soon');
});
