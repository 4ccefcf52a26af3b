/** What people see who start a gateway and push for the first time, the right way and in the ways that go wrong. */
import { expect, test } from 'vitest';

import { startGateway } from '../../../gateway/test/support/process.ts';
import { run } from '../../../gateway/test/support/programs.ts';
import { push, visit } from '../support/browser.ts';

/** A push is to be seen at once; a machine that is busy takes longer. */
const PATIENCE = { timeout: 30_000 };

test.each([
  ['add', []],
  ['by-job', ['--by-job']],
])(
  'in mode %s: the page is empty, says how to push, and shows what the line that it says has pushed',
  async (_mode, flags) => {
    const gateway = await startGateway(flags);
    const { page } = await visit(gateway.url);
    await page.getByText('Nothing was pushed yet').waitFor(PATIENCE);
    const line = await page.locator('pre code').innerText();
    expect(line).toContain(gateway.url);
    const begun = performance.now();
    expect(await run('/bin/sh', ['-c', line])).toMatchObject({ code: 0 });
    const entry = page.locator('.feed > li').first();
    await entry.waitFor(PATIENCE);
    console.log(`a push was seen after ${Math.round(performance.now() - begun)} ms, with curl`);
    const text = await entry.innerText();
    expect(text).toContain('applied');
    expect(text).toContain('hello_total{from="curl"}');
    expect(text).toMatch(/new\s*→\s*1/);
    await run('/bin/sh', ['-c', line]);
    await expect.poll(() => page.locator('.feed > li').count(), PATIENCE).toBe(2);
    expect(await page.locator('.feed > li').first().innerText()).toMatch(
      flags.length === 0 ? /1\s*→\s*2/ : /applied/,
    );
  },
);

test('snippets of other languages are there, by the keyboard', async () => {
  const gateway = await startGateway();
  const { page } = await visit(gateway.url);
  await page.getByRole('tab', { name: 'curl' }).focus();
  for (const name of ['Python', 'Go', 'Node', 'Web page']) {
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { selected: true }).innerText()).toBe(name);
    expect(await page.locator('pre code').innerText()).toContain(gateway.url);
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Copied').waitFor(PATIENCE);
  expect(await page.evaluate('navigator.clipboard.readText()')).toContain('@prom-aggregation-gateway/client');
});

test.each<[what: string, flags: string[], path: string, body: string, remedy: RegExp]>([
  [
    'a body without its last line feed',
    [],
    '/job/x',
    'a{b="1"} 1\na{b="2',
    /refused 400[\s\S]*line 2, column[\s\S]*--data-binary/,
  ],
  ['lines that lost their line feeds', [], '/job/x', '# TYPE a counter a 1', /refused 400[\s\S]*→/],
  [
    'another type',
    [],
    '/job/x',
    '# TYPE known_total gauge\nknown_total 1\n',
    /type_conflict[\s\S]*Rename the metric, or declare it/,
  ],
  [
    'by job, without a job',
    ['--by-job'],
    '/',
    'a_total 1\n',
    /job_missing[\s\S]*Push to \/metrics\/job\/<job>/,
  ],
  [
    'a summary',
    [],
    '/job/x',
    '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\n',
    /dropped[\s\S]*--push\.summaries=sum-and-count/,
  ],
])('%s ends in a remedy', async (_what, flags, path, body, remedy) => {
  const gateway = await startGateway(flags);
  await push(gateway.url, '/job/before', '# TYPE known_total counter\nknown_total 1\n');
  const { page } = await visit(gateway.url);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await push(gateway.url, path, body);
  const newest = page.locator('.feed > li').first();
  await expect.poll(() => newest.innerText(), PATIENCE).toMatch(remedy);
  // Whoever comes later sees it as well.
  await page.reload();
  await expect.poll(() => newest.innerText(), PATIENCE).toMatch(remedy);
});

test('totals in add mode end in a remedy', async () => {
  const gateway = await startGateway();
  const { page } = await visit(gateway.url);
  for (let i = 1; i <= 60; i += 1) {
    const totals = [1, 2, 3].map((kind) => `jobs_total{kind="${kind}"} ${1_000 * kind + i * kind}\n`);
    await push(gateway.url, '/job/x', `# TYPE jobs_total counter\n${totals.join('')}`);
  }
  await page.getByText('Looks wrong').waitFor(PATIENCE);
  expect(await page.locator('.notice').innerText()).toMatch(
    /look like totals[\s\S]*--by-job[\s\S]*\/metrics\/job\/x/,
  );
});

test('a gateway that goes away and comes back', async () => {
  const first = await startGateway();
  const { page } = await visit(first.url, { isAway: true });
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await first.stop();
  await page.getByText('connection lost, trying again').waitFor(PATIENCE);
  await page.getByText('What is shown is as it was.').waitFor(PATIENCE);
  await startGateway([`--web.listen-address=${new URL(first.url).host}`]);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await push(first.url, '/job/x', 'a_total 1\n');
  await expect.poll(() => page.locator('.feed > li').first().innerText(), PATIENCE).toContain('a_total');
  await expect.poll(() => page.getByText('What is shown is as it was.').count(), PATIENCE).toBe(0);
});
