/** What happens, as events: what is told of pushes and refusals, and what readers may do. */
import { describe, expect, it } from 'vitest';

import { RECENT_MAX } from '../../src/gateway/insight/insight.ts';
import { READERS_MAX } from '../../src/gateway/insight/event-hub.ts';
import { run, waitFor } from './helpers.ts';
import { serving, watching } from './serving-insight.ts';

describe('who watches sees', () => {
  it('who greets, and pushes with values before and after', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    expect(reader.of('hello')).toEqual([{ version: expect.any(String) as unknown, mode: 'add' }]);
    const body =
      '# TYPE a counter\na{x="1"} 2\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4\nh_count 3\n';
    await push('job/shop/instance/a%20b', body);
    await push('job/shop/instance/a%20b', body);
    await waitFor(() => reader.of('push').length === 2);
    const [first, second] = reader.of('push');
    expect(first).toEqual({
      time: expect.any(Number) as unknown,
      path: '/metrics/job/shop/instance/a%20b',
      method: 'POST',
      outcome: 'applied',
      samples: 5,
      newSeries: 5,
      token: null,
      address: '127.0.0.1',
      changes: [
        { series: 'a{x="1"}', before: null, after: '2' },
        { series: 'h_count', before: null, after: '3' },
      ],
      more: 0,
      missed: 0,
    });
    expect(second).toMatchObject({
      newSeries: 0,
      changes: [
        { series: 'a{x="1"}', before: '2', after: '4' },
        { series: 'h_count', before: '3', after: '6' },
      ],
    });
    expect(reader.of('family')).toEqual([
      { name: 'a', type: 'counter', series: 1 },
      { name: 'h', type: 'histogram', series: 4 },
    ]);
  });

  it('five series of a push, and how many more there are', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    await push('', Array.from({ length: 9 }, (_, i) => `a{i="${i}"} 1\n`).join(''));
    await waitFor(() => reader.of('push').length > 0);
    const [{ changes, more }] = reader.of('push');
    expect([changes.length, more]).toEqual([5, 4]);
  });

  it('by-job what a push makes of the total', async () => {
    const { watch, push } = await serving({ byJob: true });
    await push('job/a', '# TYPE c counter\nc 5\n');
    await push('job/b', '# TYPE c counter\nc 7\n');
    const reader = watch();
    await waitFor(() => reader.of('push').length === 2);
    expect(reader.of('push').map(({ past }) => past)).toEqual([true, true]);
    await push('job/b', '# TYPE c counter\nc 10\n');
    await waitFor(() => reader.of('push').length === 3);
    expect(reader.of('push')[2].changes).toEqual([{ series: 'c', before: '12', after: '15' }]);
  });

  it('a long push, once it is applied', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    const body = Array.from({ length: 20_000 }, (_, i) => `long_name{number="${i}"} 1\n`).join('');
    await push('', body);
    await push('', body);
    await waitFor(() => reader.of('push').length === 2);
    expect(reader.of('push').map(({ changes }) => changes[0])).toEqual([
      { series: 'long_name{number="0"}', before: null, after: '1' },
      { series: 'long_name{number="0"}', before: '1', after: '2' },
    ]);
  });

  it('refusals, as they are listed', async () => {
    const { watch, push, ask } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    await push('job/x', 'a{ 1\n');
    await waitFor(() => reader.of('refusal').length > 0);
    const { data } = await ask('/api/v1/refusals');
    expect(reader.of('refusal')).toEqual(data.refusals);
  });

  it('so many refusals a second, and how many there were besides', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    for (let i = 0; i < 20; i += 1)
      await Promise.all(Array.from({ length: 10 }, () => push('job/x', 'a{ 1\n')));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await push('job/x', 'a{ 1\n');
    const counted = (): number =>
      reader.of('refusal').reduce((sum, { missed = 0 }) => sum + 1 + missed, 0) as number;
    await waitFor(() => counted() === 201);
    // However slow this machine is, some are left out.
    expect(reader.of('refusal').length).toBeLessThanOrEqual(201);
  });

  it('retries that change nothing', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    await push('', 'a 1\n', { 'Idempotency-Key': 'k' });
    await push('', 'a 1\n', { 'Idempotency-Key': 'k' });
    await waitFor(() => reader.of('push').length === 2);
    expect(reader.of('push').map(({ outcome, samples }) => [outcome, samples])).toEqual([
      ['applied', 1],
      ['replayed', null],
    ]);
  });

  it('text as text, and long names cut', async () => {
    const { watch, push } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    const hostile = '</script>\u2028\u202eabc\r';
    await push('', `a{x="${hostile}\\n\\"data: 1\\n\\nevent: hello"} 1\nb{y="${'l'.repeat(10_000)}"} 1\n`);
    await waitFor(() => reader.of('push').length > 0);
    const [{ changes }] = reader.of('push');
    expect(changes[0].series).toContain(hostile);
    expect(changes[1].series.length).toBeLessThan(600);
    expect(reader.of('hello')).toHaveLength(1);
  });

  it('the last pushes first, and no more than so many', async () => {
    const { watch, gateway } = await serving();
    for (let i = 0; i < RECENT_MAX + 20; i += 1) await gateway.push(`a ${i}\n`);
    const reader = watch();
    await waitFor(() => reader.of('push').length > 0);
    const pushes = reader.of('push');
    expect(pushes.length).toBeLessThanOrEqual(RECENT_MAX);
    // Those that were passed by, as there were many at once, are counted.
    const [first] = pushes;
    expect(first.past).toBe(true);
    const last = pushes.at(-1).changes[0];
    expect(Number(last.after)).toBeGreaterThan(Number(first.changes[0].after));
  });
});

describe('a reader', () => {
  it('is one of so many', async () => {
    const { watch, ask } = await serving();
    const readers = Array.from({ length: READERS_MAX }, () => watch());
    await waitFor(() => readers.every(({ events }) => events.length > 0));
    const refused = await ask('/api/v1/watch');
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([429, { status: 'error' }]);
    readers[0]!.close();
    await waitFor(() => readers[0]!.isOver());
    let status = 429;
    for (let i = 0; i < 100 && status === 429; i += 1) ({ status } = await ask('/api/v1/watch?seconds=0'));
    expect(status).toBe(200);
  });

  it('of somebody who has many makes room for others', async () => {
    const { port, ask } = await serving({ trustedProxies: ['127.0.0.1/32'] });
    const from = (address: string) => watching(port, '', { 'x-forwarded-for': address });
    const greedy = Array.from({ length: READERS_MAX - 1 }, () => from('192.0.2.1'));
    await waitFor(() => greedy.every(({ events }) => events.length > 0));
    const modest = [from('192.0.2.2')];
    await waitFor(() => modest[0]!.events.length > 0);
    for (const address of ['192.0.2.3', '192.0.2.2']) {
      const next = from(address);
      await waitFor(() => next.events.length > 0);
      modest.push(next);
    }
    await waitFor(() => greedy.filter(({ isOver }) => isOver()).length === 2);
    expect(modest.some(({ isOver }) => isOver())).toBe(false);
    const again = await ask('/api/v1/watch', { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(again.status).toBe(429);
  });

  it('that takes nothing is cut off, and others are not', async () => {
    const { gateway, port, open } = await run();
    const slow = open();
    slow.socket.pause();
    slow.write('GET /api/v1/watch HTTP/1.1\r\nHost: a\r\n\r\n');
    const other = watching(port);
    await waitFor(() => other.events.length > 0);
    // What the kernels hold comes to some megabytes.
    const pieces = 768;
    for (let told = 0; told < pieces;) {
      for (const until = told + 8; told < until; told += 1)
        gateway.insight.events.publish('refusal', { text: 'x'.repeat(32 * 1024) });
      await waitFor(() => other.of('refusal').length === told);
    }
    expect(other.isOver()).toBe(false);
    slow.socket.resume();
    await waitFor(() => slow.closed);
    expect(slow.received.length).toBeLessThan((pieces / 2) * 32 * 1024);
  });

  it.each(['x', '-1', '1.5', '86401'])('cannot watch for %s seconds', async (seconds) => {
    const { ask } = await serving();
    const { status, text } = await ask(`/api/v1/watch?seconds=${seconds}`);
    expect([status, text]).toEqual([400, expect.stringContaining('seconds is') as unknown]);
  });

  it('does not hold up the end of the gateway', async () => {
    const { watch, gateway } = await serving();
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    await gateway.close();
    await waitFor(() => reader.isOver());
  });
});
