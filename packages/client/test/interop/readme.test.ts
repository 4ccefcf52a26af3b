/** The five minutes of the README: its page, in Chromium, as it stands. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';

import { startChromium } from '../../../gateway/test/support/chromium.ts';
import { eventually } from '../../../gateway/test/support/eventually.ts';
import { scrape } from '../../../gateway/test/support/http.ts';
import { startGateway } from '../../../gateway/test/support/process.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readme)?.[1] ?? '';
const modules = '/node_modules/@prom-aggregation-gateway/client/';

test('the page counts clicks within five seconds', async () => {
  const gateway = await startGateway();
  const html = block('html').replace('http://localhost:9091', gateway.url);
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    else if (!url.startsWith(modules)) response.writeHead(404).end();
    else {
      const path = new URL(`../../${url.slice(modules.length)}`, import.meta.url);
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(readFileSync(path));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  const page = await (await startChromium()).newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await page.click('button');
  const expected = block('text');
  expect(expected).toContain('web_clicks_total');
  await eventually('the click', async () => (await scrape(gateway.url)) === expected, 30_000);
});
