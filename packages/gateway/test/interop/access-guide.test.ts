/** The guide on access as it stands there, with the page in a real browser, served from another origin, and a real Prometheus. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { blocksOf, walk } from '../support/access-guide.ts';
import { startChromium } from '../support/chromium.ts';
import { temporaryFolder } from '../support/folders.ts';
import { killAtTestEnd } from '../support/process.ts';
import { program } from '../support/programs.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';

/** As the guide does. */
async function servePages(folder: string, port: number): Promise<void> {
  const server = spawn(
    program('python3', 'python3'),
    ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', 'page'],
    {
      cwd: folder,
      stdio: 'ignore',
    },
  );
  killAtTestEnd(server);
  await expect
    .poll(
      () =>
        fetch(`http://localhost:${port}/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true);
}

test('from nothing to a public gateway for a web page', async () => {
  program('openssl', 'openssl');
  program('curl', 'curl');
  const folder = temporaryFolder();
  const pagePort = await freePort();
  const browser = await startChromium();
  // In the place of a person who accepts the certificate.
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  const open = async (host: string, shown: string): Promise<void> => {
    await page.goto(`http://${host}:${pagePort}/shop.html`);
    await expect.poll(() => page.textContent('p'), { timeout: 10_000 }).toBe(shown);
  };
  const openPage = async (): Promise<void> => {
    await servePages(folder, pagePort);
    await open('localhost', 'pushed');
  };
  const gateway = await walk(folder, { pagePort, openPage });
  await open('127.0.0.1', 'refused: 403');
  expect(gateway.stderr()).not.toContain('pag_');

  const scrapes = blocksOf('A public gateway for a web page').find(
    ({ language }) => language === 'yaml',
  )!.text;
  const configFile = join(folder, 'prometheus.yml');
  const { port } = new URL(gateway.url);
  writeFileSync(
    configFile,
    `global: { scrape_interval: 1s }\n${scrapes.replaceAll('localhost:9091', `localhost:${port}`)}`,
  );
  const prometheus = await runPrometheus(configFile);
  for (const [query, value] of [
    ['web_page_views_total{page="home",site="shop"}', 2],
    ['prom_aggregation_gateway_token_pushes_total{token="page",result="accepted"}', 2],
    ['sum(up)', 2],
  ] as const)
    await expect.poll(() => prometheus.value(query), { timeout: 20_000 }).toBe(value);
});
