/** A site whose pages count, a gateway, and the network between them, which does what a test says. */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';

import { openGateway } from '../../../gateway/src/index.ts';
import type { EmbeddedGateway } from '../../../gateway/src/index.ts';
import { startChromium } from '../../../gateway/test/support/chromium.ts';
import { temporaryFolder } from '../../../gateway/test/support/folders.ts';
import type { Drop } from '../../src/index.ts';

/** A gateway that has been there for an hour, with what it keeps, so that it can go down and come back. */
export class AgedGateway {
  #gateway: EmbeddedGateway | undefined;
  #aheadMs = 0;
  readonly #path = temporaryFolder();
  port = 0;

  async start(): Promise<void> {
    const clock = { now: () => Date.now() + this.#aheadMs };
    this.#gateway = await openGateway({ storage: { path: this.#path }, clock });
    ({ port: this.port } = await this.#gateway.start({ host: '127.0.0.1', port: this.port }));
    if (this.#aheadMs > 0) return;
    this.#aheadMs = 3_600_000;
    await this.#gateway.push('begun 1\n');
    onTestFinished(() => this.stop());
  }

  async stop(): Promise<void> {
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  async sumOf(name: string): Promise<number> {
    const page = (await this.#gateway?.scrape()) ?? '';
    const lines = page.split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}

/** What becomes of a request: it passes, or nobody is there, or its reply is lost, or it is answered with a status. */
export type Weather = 'fine' | 'down' | 'replies lost' | 'hangs' | { status: number; retryAfter: string };

export class Network {
  weather: Weather = 'fine';
  /** Method and target of each request that came. */
  readonly requests: string[] = [];
  /** When it came. */
  readonly timesMs: number[] = [];
  readonly #gateway: AgedGateway;

  constructor(gateway: AgedGateway) {
    this.#gateway = gateway;
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { weather } = this;
    this.requests.push(`${request.method} ${request.url}`);
    this.timesMs.push(performance.now());
    if (weather === 'down') {
      request.socket.destroy();
    } else if (weather === 'hangs') {
      request.resume();
    } else if (typeof weather === 'object') {
      request.resume();
      response.writeHead(weather.status, {
        'retry-after': weather.retryAfter,
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'Retry-After',
      });
      response.end();
    } else this.#forward(request, response, weather);
  };

  #forward(request: IncomingMessage, response: ServerResponse, weather: Weather): void {
    const { method, url: path, headers, socket } = request;
    const { port } = this.#gateway;
    const forwarded = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    forwarded.on('error', () => socket.destroy());
    forwarded.on('response', (reply) => {
      if (weather === 'replies lost') {
        reply.resume();
        socket.destroy();
        return;
      }
      response.writeHead(reply.statusCode!, reply.rawHeaders);
      reply.pipe(response);
    });
    request.pipe(forwarded);
  }
}

export async function bundled(entry: string): Promise<string> {
  const input = fileURLToPath(new URL(`../../src/${entry}.ts`, import.meta.url));
  const bundle = await rolldown({ input });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return output[0].code;
}

export async function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  return server;
}

export const originOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

export interface Site {
  readonly gateway: AgedGateway;
  readonly network: Network;
  readonly context: BrowserContext;
  readonly origin: string;
  /** Opens a page of the site; `?persist` is one that keeps its batches. */
  open(path?: string): Promise<Page>;
}

const script = (url: string): string => `
import { gateway } from '/index.js';
import { persist } from '/persist.js';
window.drops = [];
window.shown = [];
const store = location.search === '?persist' ? persist() : undefined;
const metrics = gateway('${url}', { store, intervalMs: 200, labels: { app: 'shop' }, onDrop: (drop) => drops.push(drop) });
const clicks = metrics.counter({ name: 'clicks_total', help: 'Clicks.', labelNames: ['button'] });
window.click = (times = 1, button = '') => { for (let i = 0; i < times; i += 1) clicks.inc({ button }); };
window.metrics = metrics;
addEventListener('pageshow', ({ persisted }) => shown.push(persisted));
window.ready = true;
`;

const worker = (url: string): string => `
import { gateway } from '/index.js';
const metrics = gateway('${url}', { labels: { app: 'worker' } });
const clicks = metrics.counter({ name: 'clicks_total', help: 'Clicks.', labelNames: ['button'] });
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', (event) => {
  clicks.inc();
  event.waitUntil(metrics.flush(20_000).then((isDone) => event.source.postMessage(isDone)));
});
`;

export async function startSite(without: string[] = []): Promise<Site> {
  const gateway = new AgedGateway();
  await gateway.start();
  const network = new Network(gateway);
  const between = originOf(await listening(network.handle));
  const files: Readonly<Record<string, string>> = {
    '/index.js': await bundled('index'),
    '/persist.js': await bundled('persist'),
    '/shop.js': script(between),
    '/worker.js': worker(between),
  };
  const pages = await listening(({ url = '/' }, response) => {
    const code = files[url];
    if (code !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(code);
    else {
      const head = url.startsWith('/elsewhere') ? '' : '<script type="module" src="/shop.js"></script>';
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(`<!doctype html><meta charset="utf-8"><title>shop</title>${head}`);
    }
  });
  const browser = await startChromium(without);
  const context = await browser.newContext();
  const origin = originOf(pages);
  return {
    gateway,
    network,
    context,
    origin,
    async open(path = '/') {
      const page = await context.newPage();
      await page.goto(`${origin}${path}`);
      await page.waitForFunction('window.ready');
      return page;
    },
  };
}

export function click(page: Page, times = 1, button = ''): Promise<unknown> {
  return page.evaluate(`click(${times}, ${JSON.stringify(button)})`);
}

export async function dropsOf(page: Page): Promise<readonly Drop[]> {
  return (await page.evaluate('drops')) as readonly Drop[];
}
