/** Who has how many series, over HTTP: what is read of a request, and what is answered. */
import { describe, expect, it } from 'vitest';

import { RequestError } from '../../src/model/errors.ts';
import { eventually } from '../support/eventually.ts';
import { run, waitFor } from './helpers.ts';

const PATH = '/api/v1/status/tsdb';

const many = Array.from({ length: 10_000 }, (_, i) => ({ name: `name_${i}`, value: 10_000 - i }));

describe('the status of series', () => {
  it('is in the format of Prometheus', async () => {
    const { send } = await run();
    const reply = await send('GET', PATH);
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('application/json');
    // As Prometheus says it of a head without samples; not a number of JavaScript.
    expect(reply.text).toContain('"minTime":9223372036854775807,"maxTime":-9223372036854775808}');
    const { status, data } = JSON.parse(reply.text) as { status: string; data: Record<string, unknown> };
    expect(status).toBe('success');
    expect(Object.keys(data)).toEqual([
      'headStats',
      'seriesCountByMetricName',
      'labelValueCountByLabelName',
      'memoryInBytesByLabelName',
      'seriesCountByLabelValuePair',
    ]);
    expect(data).toMatchObject({
      headStats: { numSeries: 3, numLabelPairs: 3, chunkCount: 0 },
      seriesCountByMetricName: [
        { name: 'b', value: 2 },
        { name: 'a', value: 1 },
      ],
      labelValueCountByLabelName: [],
      seriesCountByLabelValuePair: [{ name: 'c="d', value: 2 }],
    });
  });

  it.each([
    ['', 10],
    ['?limit=', 10],
    ['?limit=1', 1],
    ['?limit=3&limit=x', 3],
    ['?limit=0010000&other=1', 10_000],
  ])('has as many entries as %j asks for', async (query, count) => {
    const { gateway, send } = await run();
    gateway.statisticsOf = { ...gateway.statisticsOf, seriesByName: many, seriesByPair: many };
    const { data } = JSON.parse((await send('GET', PATH + query)).text) as {
      data: Record<string, unknown[]>;
    };
    expect(data['seriesCountByMetricName']).toEqual(many.slice(0, count));
    expect(data['seriesCountByLabelValuePair']).toHaveLength(count);
  });

  it.each(['0', '-1', '10001', '1e3', '1.5', 'ten', '%20', '99999999999999999999'])(
    'refuses a limit of %s',
    async (limit) => {
      const { gateway, send } = await run();
      const reply = await send('GET', `${PATH}?limit=${limit}`);
      expect(reply.status).toBe(400);
      expect(reply.text).toBe(
        `limit is "${decodeURIComponent(limit)}"; it must be a whole number from 1 to 10000\n`,
      );
      expect(gateway.statisticsClients).toEqual([]);
      const problem = await send('GET', `${PATH}?limit=${limit}`, {
        headers: { Accept: 'application/json' },
      });
      expect(JSON.parse(problem.text)).toMatchObject({ status: 400, code: 'invalid_parameter' });
    },
  );

  it('counts nothing for HEAD', async () => {
    const { gateway, send } = await run();
    const reply = await send('HEAD', PATH);
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect(reply.headers['content-type']).toBe('application/json');
    expect((await send('HEAD', `${PATH}?limit=0`)).status).toBe(400);
    expect(gateway.statisticsClients).toEqual([]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('is not for %s', async (method) => {
    const { telemetry, send } = await run();
    const reply = await send(method, PATH);
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe('GET, HEAD');
    expect(reply.text).toContain('read it with GET');
    expect(telemetry.refused).toEqual([]);
  });

  it('warns of what is not exact', async () => {
    const { gateway, send } = await run();
    gateway.statisticsOf = { ...gateway.statisticsOf, warnings: ['too many "label pairs"'] };
    const reply = await send('GET', PATH);
    expect(JSON.parse(reply.text)).toMatchObject({
      status: 'success',
      warnings: ['too many "label pairs"'],
    });
  });

  it('is refused as the gateway says', async () => {
    const { gateway, send, errors } = await run();
    gateway.failure = new RequestError('overloaded', 'too many scrapes');
    const reply = await send('GET', PATH);
    expect([reply.status, reply.text]).toEqual([503, 'too many scrapes\n']);
    expect(errors).toEqual([]);
  });

  it('is read by pages of origins that are named', async () => {
    const { send } = await run({ corsOrigins: ['https://ops.example'] });
    const allowed = async (origin: string) =>
      (await send('GET', PATH, { headers: { Origin: origin } })).headers['access-control-allow-origin'];
    expect(await allowed('https://ops.example')).toBe('https://ops.example');
    expect(await allowed('https://other.example')).toBe(undefined);
  });

  it('is for so many at a time, and a client that goes makes space', async () => {
    const { gateway, send, open, errors } = await run();
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    gateway.statistics = async (client) => {
      gateway.statisticsClients.push(client);
      await finished;
      return gateway.statisticsOf;
    };
    const clients = Array.from({ length: 8 }, () => open());
    for (const client of clients) client.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await waitFor(() => gateway.statisticsClients.length === 8);
    expect((await send('GET', PATH)).status).toBe(503);
    clients[0]!.socket.destroy();
    await waitFor(() => gateway.statisticsClients[0]!.isGone);
    finish();
    await eventually('a place', async () => (await send('GET', PATH)).status === 200);
    expect(errors).toEqual([]);
  });

  it('is written no faster than it is read, and a client that leaves meanwhile is no error', async () => {
    const { gateway, send, open, errors } = await run();
    const long = many.map(({ name, value }) => ({ name: name.padEnd(1_000, 'x'), value }));
    gateway.statisticsOf = { ...gateway.statisticsOf, seriesByName: long, seriesByPair: long };
    const whole = await send('GET', `${PATH}?limit=10000`);
    expect((JSON.parse(whole.text) as { status: string }).status).toBe('success');
    for (let i = 0; i < 10; i += 1) {
      const client = open();
      client.socket.pause();
      client.write(`GET ${PATH}?limit=10000 HTTP/1.1\r\nHost: a\r\n\r\n`);
      await waitFor(() => gateway.statisticsClients.length === i + 2);
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.socket.destroy();
    }
    // More than may be open at a time: the places of those who left are free.
    await eventually('a place', async () => (await send('GET', PATH)).status === 200);
    expect(errors).toEqual([]);
  });
});
