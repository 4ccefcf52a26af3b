/** The last refused requests, over HTTP. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { RecentRefusals } from '../../src/http/replies/recent-refusals.ts';
import type { Refusal } from '../../src/http/replies/recent-refusals.ts';
import { RequestError } from '../../src/model/errors.ts';
import { run, waitFor } from './helpers.ts';
import { serving } from './serving-insight.ts';

const PATH = '/api/v1/refusals';

interface Reply {
  readonly status: string;
  readonly data: { readonly total: number; readonly refusals: readonly Record<string, unknown>[] };
}

describe('the last refused requests', () => {
  it('are told with what, where and why, the newest first', async () => {
    const { gateway, send } = await run();
    const read = async (query = ''): Promise<Reply> =>
      JSON.parse((await send('GET', PATH + query)).text) as Reply;
    expect(await read()).toEqual({ status: 'success', data: { total: 0, refusals: [] } });
    gateway.failure = new RequestError('syntax', 'cannot parse "x"', { line: 3, column: 9 });
    await send('POST', '/metrics/job/shop', { body: 'x' });
    gateway.failure = new RequestError('series_limit', 'too many series');
    await send('PUT', '/metrics/job/web', { body: 'x' });
    const { total, refusals } = (await read()).data;
    expect(total).toBe(2);
    const from = { remote: '127.0.0.1', time: expect.stringMatching(/^20\d\d-.*Z$/) as unknown };
    expect(refusals).toEqual([
      {
        ...from,
        what: 'push',
        method: 'PUT',
        path: '/metrics/job/web',
        code: 'series_limit',
        status: 422,
        message: 'too many series',
      },
      {
        ...from,
        what: 'push',
        method: 'POST',
        path: '/metrics/job/shop',
        code: 'syntax',
        status: 400,
        message: 'cannot parse "x"',
        line: 3,
        column: 9,
      },
    ]);
    expect((await read('?limit=1')).data.refusals).toEqual(refusals.slice(0, 1));
  });

  it.each(['0', 'x', '257'])('are not as many as %s', async (limit) => {
    const { send } = await run();
    const reply = await send('GET', `${PATH}?limit=${limit}`);
    expect(reply.status).toBe(400);
    expect(reply.text).toBe(`limit is "${limit}"; it must be a whole number from 1 to 256\n`);
  });

  it('tell no token', async () => {
    const { send } = await run();
    const token = `pag_${'x'.repeat(43)}`;
    await send('POST', `/metrics/job/x/${token}`, { body: 'a 1\n' });
    const reply = await send('GET', PATH);
    expect(reply.text).toContain('pag_***');
    expect(reply.text).not.toContain(token);
  });
});

describe('a refused push', () => {
  it('is shown with the line around the place, for who may read', async () => {
    const running = await serving();
    const watch = running.watch();
    await waitFor(() => watch.of('hello').length === 1);
    const token = `pag_${'x'.repeat(43)}`;
    const refused = await running.push('job/x', `ok 1\nb{t="${token}"} ten\n`);
    expect(refused.status).toBe(400);
    expect(refused.text).not.toContain('b{');
    const excerpt = `b{t="pag_***${'*'.repeat(40)}"} ten`;
    const shown = { line: 2, column: excerpt.length - 2, excerpt, excerptColumn: excerpt.length - 2 };
    const { data } = await running.ask(PATH);
    expect(data.refusals).toMatchObject([shown]);
    await waitFor(() => watch.of('refusal').length === 1);
    expect(watch.of('refusal')).toMatchObject([shown]);
    // Nor what it more likely is.
    await running.push('job/x', 'a x\n# EOF\n');
    expect((await running.ask(PATH)).data.refusals[0]).toMatchObject({ excerpt: 'a x', excerptColumn: 3 });
  });

  it('of protobuf, or of its path, has no such line', async () => {
    const running = await serving({ byJob: true });
    await running.push('', 'a 1\n');
    const type =
      'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
    await running.push('job/x', Buffer.from([3, 10, 9, 97]), { 'content-type': type });
    const { data } = await running.ask(PATH);
    expect(data.refusals).toHaveLength(2);
    for (const refusal of data.refusals) expect(refusal).not.toHaveProperty('excerpt');
  });
});

test('one sender does not make others be forgotten', () => {
  const refusals = new RecentRefusals(8);
  const refusal = (timeMs: number): Refusal => ({
    timeMs,
    what: 'push',
    method: 'POST',
    path: '/metrics/',
    remote: undefined,
    by: undefined,
    code: 'syntax',
    status: 400,
    message: '',
    location: undefined,
    excerpt: undefined,
  });
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 50 }), (senders) => {
      const kept = new RecentRefusals(8);
      const bySender = [0, 0, 0, 0];
      for (const [i, sender] of senders.entries()) {
        kept.add(String(sender), refusal(i));
        bySender[sender]! += 1;
      }
      const newest = kept.newest(100).map(({ timeMs }) => timeMs);
      expect(kept.total).toBe(senders.length);
      expect(newest).toHaveLength(Math.min(senders.length, 8));
      expect(newest).toEqual(newest.toSorted((a, b) => b - a));
      // Each has its share, the newest of its own.
      for (const [sender, count] of bySender.entries()) {
        const own = [...senders.keys()].filter((i) => senders[i] === sender);
        const left = newest.filter((i) => senders[i] === sender);
        expect(left).toEqual(own.slice(own.length - left.length).toReversed());
        expect(left.length).toBeGreaterThanOrEqual(Math.min(count, 2));
      }
    }),
  );
  for (let i = 0; i < 100; i += 1) refusals.add('loud', refusal(i));
  refusals.add('quiet', refusal(100));
  for (let i = 101; i < 200; i += 1) refusals.add('loud', refusal(i));
  expect(refusals.newest(10).map(({ timeMs }) => timeMs)).toEqual([199, 198, 197, 196, 195, 194, 193, 100]);
});
