/** Scrapes over real connections, of a page that is far longer than what lies between two ends of one. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect, Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { Gateway } from '../../src/gateway/gateway.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { createTelemetry } from '../../src/gateway/telemetry/prom-telemetry.ts';
import type { ScrapeBounds } from '../../src/gateway/scrapes/scrape-bounds.ts';
import { defaultHttpOptions } from '../../src/http/options.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { networkOf } from '../../src/http/routes/scrape-reader.ts';
import { createServer } from '../../src/http/server.ts';
import { createGateway } from '../../src/index.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { waitFor } from './helpers.ts';

/** Few long series, as they are pushed sooner than many short ones. */
const SERIES = 1_200;
const TEXT_BYTES = 2_200;
const PUSHES = 2;
let bodies: readonly Buffer[] = [];

beforeAll(() => {
  bodies = bodiesOf(SERIES, TEXT_BYTES);
});

/** Nothing makes them much shorter. */
function bodiesOf(series: number, textBytes: number): readonly Buffer[] {
  return Array.from({ length: PUSHES }, () => {
    const lines = Array.from(
      { length: series },
      () => `a_total{text="${randomBytes(textBytes).toString('base64')}"} 1`,
    );
    return Buffer.from(`# TYPE a_total counter\n${lines.join('\n')}\n`);
  });
}

interface Running {
  readonly gateway: Gateway;
  readonly port: number;
}

async function run(bounds: Partial<ScrapeBounds>, pushed: readonly Buffer[] = bodies): Promise<Running> {
  const [clock, log] = [systemClock, silentLog];
  const options = { ...defaultGatewayOptions, scrapeCacheBytesMax: 0 };
  const gateway = new Gateway({ options, clock, log, scrapes: { checkMs: 10, ...bounds } });
  const telemetry = createTelemetry({ version: '1', holdings: () => gateway.holdingsByType() });
  gateway.telemetry = telemetry;
  const http = { ...defaultHttpOptions, shutdownTimeoutMs: 100 };
  const server = createServer({ gateway, telemetry, log, options: http, version: '1' });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const key = parsePushPath('');
  for (const body of pushed) await gateway.push({ method: 'POST', key, body });
  return { gateway, port };
}

/** A connection that asks for pages and reads nothing, until it is told to. */
class Silent {
  readonly socket: Socket;
  /** The end of what was read. */
  last = '';
  closed = false;

  constructor(port: number, requests: string) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.pause();
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
    this.socket.write(requests);
    onTestFinished(() => void this.socket.destroy());
  }

  /** Reads what came, up to the end, which may be a bad one. */
  async read(): Promise<void> {
    this.socket.on('data', (bytes) => (this.last = (this.last + bytes.toString('latin1')).slice(-5)));
    this.socket.resume();
    await waitFor(() => this.closed);
  }
}

/** Node's client takes a reset after data for a good end, so they are counted where they are sent. */
function countedResets(): () => number {
  const spy = vi.spyOn(Socket.prototype, 'resetAndDestroy');
  onTestFinished(() => spy.mockRestore());
  return () => spy.mock.calls.length;
}

const asking = (headers: readonly string[] = [], version = '1.1'): string =>
  `GET /metrics HTTP/${version}\r\nHost: x\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`;

/** Status, Retry-After and length of a page that is read at once. */
function scrape(
  port: number,
  method = 'GET',
): Promise<{ status: number; retryAfter: unknown; bytes: number }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', path: '/metrics', method, agent: false },
      (reply) => {
        let bytes = 0;
        reply.on('data', (part: Buffer) => (bytes += part.length));
        reply.on('error', reject);
        reply.on('end', () =>
          resolve({ status: reply.statusCode!, retryAfter: reply.headers['retry-after'], bytes }),
        );
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const report = ({ gateway }: Running) => gateway.holdingsByType().scrapes;

describe('a reader that takes nothing', () => {
  it.each([
    ['HTTP/1.1', [], '1.1'],
    ['HTTP/1.0', [], '1.0'],
    ['gzip', ['Accept-Encoding: gzip'], '1.1'],
    ['gzip and HTTP/1.0', ['Accept-Encoding: gzip'], '1.0'],
    ['br', ['Accept-Encoding: br'], '1.1'],
  ])('is reset when it stalls, which does not look like an end (%s)', async (_name, headers, version) => {
    const resets = countedResets();
    const running = await run({ stallMs: 150 });
    const silent = new Silent(running.port, asking(headers, version));
    await waitFor(() => resets() > 0);
    expect(report(running)).toEqual({ open: 0, waiting: 0, views: 0, bytes: 0 });
    await silent.read();
    expect(silent.last.endsWith('0\r\n\r\n')).toBe(false);
  });

  it('is reset when the time is over that Prometheus said it waits', async () => {
    const resets = countedResets();
    const running = await run({});
    const silent = new Silent(running.port, asking(['X-Prometheus-Scrape-Timeout-Seconds: 0.3']));
    await waitFor(() => resets() > 0);
    await silent.read();
  });

  it.each(['0', '-1', 'x', ''])('and says it waits for %j has the usual time', async (seconds) => {
    const running = await run({ lifetimeMs: 200 }, []);
    expect(
      await new Promise((resolve) => {
        const request = httpRequest({
          port: running.port,
          host: '127.0.0.1',
          path: '/metrics',
          headers: { 'X-Prometheus-Scrape-Timeout-Seconds': seconds },
          agent: false,
        });
        request.on('response', (reply) => resolve(reply.resume().statusCode));
        request.end();
      }),
    ).toBe(200);
  });
});

describe('when all places are taken', () => {
  it('a scrape that waits in vain is answered 503, with Retry-After', async () => {
    const running = await run({ scrapesMax: 1, waitMs: 100 });
    const silent = new Silent(running.port, asking());
    await waitFor(() => report(running).open === 1);
    expect(await scrape(running.port)).toMatchObject({ status: 503, retryAfter: '1' });
    expect(silent.closed).toBe(false);
  });

  it('HEAD needs none', async () => {
    const running = await run({ scrapesMax: 1 });
    const silent = new Silent(running.port, asking());
    await waitFor(() => report(running).open === 1);
    const { bytes } = report(running);
    expect(await scrape(running.port, 'HEAD')).toMatchObject({ status: 200, bytes: 0 });
    expect(report(running)).toEqual({ open: 1, waiting: 0, views: 1, bytes });
    expect(silent.closed).toBe(false);
  });

  it('one that waits leaves the queue when its connection is closed', async () => {
    const running = await run({ scrapesMax: 1, graceMs: 100_000 });
    const first = new Silent(running.port, asking());
    await waitFor(() => report(running).open === 1);
    const second = new Silent(running.port, asking());
    const third = scrape(running.port);
    await waitFor(() => report(running).waiting === 2);
    second.socket.destroy();
    await waitFor(() => report(running).waiting === 1);
    first.socket.destroy();
    expect(await third).toMatchObject({ status: 200 });
  });

  it('many pipelined on one connection take no more than the places there are, and all leave with it', async () => {
    const series = 40_000;
    const bounds = { scrapesMax: 4, waitingPerPlace: 4, graceMs: 100_000 };
    const running = await run(bounds, bodiesOf(series, 64));
    const silent = new Silent(running.port, asking().repeat(200));
    await waitFor(() => report(running).open > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { open, waiting, bytes } = report(running);
    expect(open).toBeLessThanOrEqual(4);
    expect(waiting).toBeLessThanOrEqual(16);
    // Of a view 12 bytes for each series, and half a mebibyte for each reader.
    expect(bytes).toBeLessThan(4 * (series * PUSHES * 13 + 600_000));
    silent.socket.destroy();
    await waitFor(() => report(running).open === 0 && report(running).waiting === 0);
    expect(report(running).views).toBe(0);
  });

  it('readers that take next to nothing and come back at once do not keep out two Prometheus and a curl', async () => {
    const running = await run({ scrapesMax: 4, graceMs: 300, graceMsMin: 200 });
    let isOver = false;
    const attack = async (): Promise<void> => {
      while (!isOver) {
        const silent = new Silent(running.port, asking());
        silent.socket.on('data', () => silent.socket.pause());
        const timer = setInterval(() => silent.socket.read(1), 100);
        await waitFor(() => silent.socket.destroyed || isOver).catch(() => {});
        clearInterval(timer);
        silent.socket.destroy();
      }
    };
    const attacks = Array.from({ length: 12 }, attack);
    await waitFor(() => report(running).open === 4 && report(running).waiting > 0);
    for (let round = 0; round < 2; round += 1) {
      const honest = await Promise.all([scrape(running.port), scrape(running.port), scrape(running.port)]);
      for (const { status, bytes } of honest) {
        expect(status).toBe(200);
        expect(bytes).toBeGreaterThan(SERIES * PUSHES * TEXT_BYTES);
      }
    }
    isOver = true;
    await Promise.all(attacks);
  });
});

describe('an embedded gateway', () => {
  it('has the same limits for its own scrapes', async () => {
    const gateway = createGateway({ scrapesMax: 1 });
    await gateway.push('a 1\n');
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => gateway.scrape()));
    const outcomes = all.map((one) =>
      one.status === 'fulfilled' ? one.value : (one.reason as { code: string }).code,
    );
    expect(outcomes).toContain('overloaded');
    expect(outcomes[0]).toBe('# TYPE a untyped\na 1\n');
    expect(await gateway.scrape()).toBe('# TYPE a untyped\na 1\n');
  });

  it('answers many at once', async () => {
    const gateway = createGateway();
    await gateway.push('a 1\n');
    const expositions = await Promise.all(Array.from({ length: 200 }, () => gateway.scrape()));
    expect(new Set(expositions)).toEqual(new Set(['# TYPE a untyped\na 1\n']));
  });
});

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s is of %s', (address, network) => expect(networkOf(address)).toBe(network));
});

afterAll(() => {
  bodies = [];
});
