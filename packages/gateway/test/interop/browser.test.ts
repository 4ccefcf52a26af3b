/** promjs in a real page of another origin: what the browser sends, and whether it lets it pass. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';

import { startChromium } from '../support/chromium.ts';
import { clientText } from '../support/clients.ts';
import { temporaryFolder } from '../support/folders.ts';
import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { repository } from '../support/programs.ts';

/** The bundle declares a global, `promjs`. */
const bundle = readFileSync(join(repository, 'node_modules/promjs/browser/promjs.min.js'), 'utf8');

/** What the tests call stands in the page, as it would in a user's. */
const shop = `
const registry = promjs.default();
const clicks = registry.create('counter', 'clicks_total', 'Clicks.');
const seconds = registry.create('histogram', 'paint_seconds', 'Time to paint.', [0.5, 1, 10, 2.5]);
function work() {
  clicks.inc({ button: 'buy' });
  clicks.add(2, { button: 'look' });
  seconds.observe(0.75);
}
async function push(url, options) {
  const reply = await fetch(url, { body: registry.metrics(), ...options });
  registry.reset();
  return { status: reply.status, type: reply.type, text: await reply.text() };
}
const beacon = (url) => {
  const queued = navigator.sendBeacon(url, registry.metrics());
  registry.reset();
  return queued;
};`;

async function openPage(script: string = shop): Promise<{ page: Page; origin: string }> {
  const html = `<!doctype html><meta charset="utf-8"><title>shop</title><script>${bundle}</script><script>${script}</script>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  const browser = await startChromium();
  const page = await browser.newPage();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await page.goto(origin);
  return { page, origin };
}

const accepted = { status: 202, type: 'cors', text: '' };
const preflighted = { method: 'PUT', headers: { 'content-type': 'application/json' } };

/** Calls a function of the page. */
function call(page: Page, name: string, ...args: readonly unknown[]): Promise<unknown> {
  return page.evaluate(`${name}(${args.map((value) => JSON.stringify(value)).join(', ')})`);
}

test('a page counts, pushes by fetch and by beacon, and the scrape shows the sum', async () => {
  const gateway = await startGateway();
  const { page } = await openPage();
  const url = `${gateway.url}/metrics/`;

  await call(page, 'work');
  expect(await call(page, 'push', url, { method: 'POST' })).toEqual(accepted);
  await call(page, 'work');
  expect(await call(page, 'push', `${gateway.url}/metrics/job/shop`, preflighted)).toEqual(accepted);
  await call(page, 'work');
  expect(await call(page, 'push', url, { method: 'POST', keepalive: true })).toEqual(accepted);
  await call(page, 'work');
  expect(await call(page, 'beacon', url)).toBe(true);

  await expect
    .poll(async () => (await scrapeSamples(gateway.url)).get('clicks_total{button="buy"}'), {
      timeout: 10_000,
    })
    .toBe(4);
  const samples = await scrapeSamples(gateway.url);
  expect(samples.get('clicks_total{button="look"}')).toBe(8);
  expect(samples.get('paint_seconds_bucket{le="0.5"}')).toBe(0);
  expect(samples.get('paint_seconds_bucket{le="1"}')).toBe(4);
  expect(samples.get('paint_seconds_bucket{le="+Inf"}')).toBe(4);
  expect(samples.get('paint_seconds_sum')).toBe(3);
});

test('a page that is closed sends its last counts by beacon', async () => {
  const gateway = await startGateway();
  const { page } = await openPage();
  await call(page, 'work');
  await page.evaluate(`addEventListener('pagehide', () => beacon('${gateway.url}/metrics/'))`);
  await page.close({ runBeforeUnload: false });
  await expect
    .poll(async () => (await scrapeSamples(gateway.url)).get('clicks_total{button="buy"}'), {
      timeout: 10_000,
    })
    .toBe(1);
});

test('a page may read why its push was refused', async () => {
  const gateway = await startGateway();
  const { page } = await openPage();
  const url = `${gateway.url}/metrics/`;
  const reply = (await call(page, 'push', url, {
    method: 'POST',
    body: 'clicks_total x\n',
  })) as typeof accepted;
  expect(reply.status).toBe(400);
  expect(reply.text).toContain('line 1');
});

test('with exact origins, the page of one may push and another may not', async () => {
  const { page, origin } = await openPage();
  const open = await startGateway([`--web.cors-origin=${origin}`]);
  const shut = await startGateway(['--web.cors-origin=https://shop.example']);
  for (const options of [{ method: 'POST' }, preflighted]) {
    await call(page, 'work');
    expect(await call(page, 'push', `${open.url}/metrics/`, options)).toEqual(accepted);
    await call(page, 'work');
    await expect(call(page, 'push', `${shut.url}/metrics/`, options)).rejects.toThrow(/Failed to fetch/);
  }
  expect((await scrapeSamples(shut.url)).size).toBe(0);
  // A refused push was not reset in the page, so that it came with the next.
  expect((await scrapeSamples(open.url)).get('clicks_total{button="buy"}')).toBe(3);
});

test('a page of another origin may push, but neither read nor delete', async () => {
  const { page, origin } = await openPage();
  const any = await startGateway(['--by-job']);
  const named = await startGateway(['--by-job', `--web.cors-origin=${origin}`]);
  const fetched = (url: string, method: string): Promise<unknown> =>
    page.evaluate(
      `fetch('${url}', { method: '${method}' }).then((reply) => reply.status, (error) => error.name)`,
    );
  for (const [gateway, read, retired] of [
    [any, 'TypeError', 'TypeError'],
    [named, 200, 202],
  ] as const) {
    await call(page, 'work');
    const url = `${gateway.url}/metrics/job/shop`;
    expect(await call(page, 'push', url, { method: 'POST' })).toEqual(accepted);
    expect(await fetched(`${gateway.url}/metrics`, 'GET')).toBe(read);
    expect(await fetched(url, 'DELETE')).toBe(retired);
  }
});

test('the script with promjs of docs/reference/formats.md', async () => {
  const gateway = await startGateway();
  const { page } = await openPage(clientText('promjs.js', gateway.url));
  for (const total of [1, 2]) {
    await page.click('html');
    expect(await page.evaluate('push().then((reply) => reply.status)')).toBe(202);
    expect((await scrapeSamples(gateway.url)).get('clicks_total')).toBe(total);
  }
  await page.click('html');
  await page.close({ runBeforeUnload: false });
  await expect
    .poll(async () => (await scrapeSamples(gateway.url)).get('clicks_total'), { timeout: 10_000 })
    .toBe(3);
});

test('the script with fetch alone of docs/reference/formats.md', async () => {
  const gateway = await startGateway();
  const { page } = await openPage(clientText('fetch.js', gateway.url));
  for (const total of [1, 2]) {
    await page.click('html');
    await expect
      .poll(async () => (await scrapeSamples(gateway.url)).get('clicks_total'), { timeout: 10_000 })
      .toBe(total);
  }
});

test('a page pushes with a token that only its origin may use', async () => {
  const { page, origin } = await openPage();
  const other = await openPage();
  const digest = createHash('sha256').update('pag_test').digest('hex');
  const path = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(
    path,
    `access:
  anonymous: [scrape]
  tokens: [{name: shop, sha256: ${digest}, sources: '{job="shop"}', origins: ["${origin}"], in_url: true}]
`,
  );
  const gateway = await startGateway([`--config.file=${path}`, '--web.cors-origin=https://main.example']);
  const url = `${gateway.url}/metrics/job/shop`;
  const headers = { Authorization: 'Bearer pag_test' };

  await call(page, 'work');
  expect(await call(page, 'push', url, { method: 'POST', headers })).toEqual(accepted);
  await call(page, 'work');
  expect(await call(page, 'beacon', `${url}?token=pag_test`)).toBe(true);
  await expect
    .poll(async () => (await scrapeSamples(gateway.url)).get('clicks_total{button="buy"}'), {
      timeout: 10_000,
    })
    .toBe(2);

  // What is wrong can be read by the page.
  expect(
    await call(page, 'push', `${gateway.url}/metrics/job/other`, { method: 'POST', headers }),
  ).toMatchObject({
    status: 403,
    text: 'token shop may only use paths that match "{job=\\"shop\\"}"\n',
  });
  const wrong = { Authorization: 'Bearer pag_wrong' };
  expect(await call(page, 'push', url, { method: 'POST', headers: wrong })).toMatchObject({ status: 401 });

  await call(other.page, 'work');
  await expect(call(other.page, 'push', url, { method: 'POST', headers })).rejects.toThrow(/Failed to fetch/);
  await call(other.page, 'work');
  await call(other.page, 'beacon', `${url}?token=pag_test`);
  // The path that it may not use, and the page that may not use it.
  const refused = 'token_pushes_total{token="shop",result="refused"} 2';
  const own = async (): Promise<string> => (await fetch(`${gateway.url}/-/metrics`)).text();
  await expect.poll(async () => (await own()).includes(refused), { timeout: 10_000 }).toBe(true);
  expect((await scrapeSamples(gateway.url)).get('clicks_total{button="buy"}')).toBe(2);
  expect(gateway.stderr()).not.toContain('pag_');
});
