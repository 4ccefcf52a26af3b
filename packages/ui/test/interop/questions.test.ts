/** The questions that people have who push, each from a push to what the page answers, as a reader and as an admin. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { startGateway } from '../../../gateway/test/support/process.ts';
import { admin, bearer, narrowed, reader } from '../support/accounts.ts';
import { push, visit } from '../support/browser.ts';
import type { Visit } from '../support/browser.ts';

const PATIENCE = { timeout: 60_000 };
const mainText = (page: Page): Promise<string> => page.locator('main').innerText();
const shows = (page: Page, text: RegExp): Promise<void> =>
  expect.poll(() => mainText(page), PATIENCE).toMatch(text);

interface Asked extends Visit {
  readonly url: string;
  readonly send: (path: string, body: string, headers?: Record<string, string>) => Promise<number>;
}

const people = [
  ['a reader', reader],
  ['an admin', admin],
] as const;

/** A gateway that only those with tokens may ask, and the page as one of them sees it. */
async function ask(token: string, flags: string[] = [], more = ''): Promise<Asked> {
  const gateway = await startGateway([
    ...narrowed(more),
    '--web.enable-admin-api',
    '--web.enable-lifecycle',
    ...flags,
  ]);
  const visiting = await visit(gateway.url, { expected: [401] });
  await visiting.page.getByLabel('Token', { exact: true }).last().fill(token);
  await visiting.page.keyboard.press('Enter');
  await visiting.page.getByText('live', { exact: true }).waitFor(PATIENCE);
  const send: Asked['send'] = async (path, body, headers = {}) =>
    (await push(gateway.url, path, body, { headers: { Authorization: `Bearer ${admin}`, ...headers } }))
      .status;
  return { ...visiting, url: gateway.url, send };
}

test.each(people)('did it arrive, and what did it become? %s', async (_who, token) => {
  const { page, send } = await ask(token);
  for (const value of [3, 4])
    expect(await send('/job/api', `# TYPE hits_total counter\nhits_total{code="200"} ${value}\n`)).toBe(202);
  await shows(
    page,
    /applied[\s\S]*POST \/metrics\/job\/api by admin from 127\.0\.0\.1[\s\S]*hits_total\{code="200"\}[\s\S]*3\s*→\s*7/,
  );
  await page
    .getByRole('link', { name: /hits_total/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'hits_total', level: 1 }).waitFor(PATIENCE);
  await shows(page, /counter[\s\S]*code\s*200\s*7/);
});

test.each([
  ['a reader, in add mode', reader, [] as string[]],
  ['an admin, in by-job mode', admin, ['--by-job']],
])('who makes this number so large? %s', async (_who, token, flags) => {
  const { page, go, send } = await ask(token, flags);
  for (const [job, value] of [
    ['small', 5],
    ['large', 95],
  ] as const)
    await send(`/job/${job}`, `# TYPE rows_total counter\nrows_total ${value}\n`);
  await go('#/metrics/rows_total');
  await shows(page, /Who makes it up[\s\S]*job\/large[\s\S]*95 %[\s\S]*job\/small[\s\S]*5 %/);
  if (flags.length > 0) {
    await shows(page, /Exact: what each source has/);
    return;
  }
  await page.getByRole('button', { name: 'Count exactly for 60 s' }).click();
  await shows(page, /Counting exactly, \d+ s left/);
  for (const job of ['once', 'again', 'again'])
    await send(`/job/${job}`, '# TYPE rows_total counter\nrows_total 1\n');
  await shows(page, /job\/again[\s\S]*67 %[\s\S]*job\/once[\s\S]*33 %/);
});

test.each(people)('what was refused, and why? %s', async (_who, token) => {
  const { page, go, send } = await ask(token);
  await go('#/refusals');
  await shows(page, /Nothing was refused/);
  expect(await send('/job/api', 'good_total 1\nbad_total{code=200} 1\n')).toBe(400);
  await shows(
    page,
    /400[\s\S]*\/metrics\/job\/api[\s\S]*syntax line 2, column \d+[\s\S]*→ Fix what the message points at/,
  );
  // By its place in the line that was sent.
  const excerpt = page.locator('.excerpt');
  expect(await excerpt.innerText()).toBe('2bad_total{code=200} 1');
  expect(await excerpt.locator('mark').innerText()).toBe('200');
  // By its place in the body, in the form.
  if (token === admin) {
    await go('#/push?path=job/api');
    await page.getByLabel('Body, in the text format').fill('good_total 1\nbad_total{code=200} 1\nworse{\n');
    await shows(page, /It would be refused[\s\S]*line 2, column[\s\S]*line 3, column/);
    await page.getByRole('button', { name: 'Go to line 3' }).click();
    const selected = await page.evaluate(
      '[document.activeElement.tagName, document.activeElement.value.slice(0, document.activeElement.selectionStart).split("\\n").length]',
    );
    expect(selected).toEqual(['TEXTAREA', 3]);
    await page.getByLabel('Body, in the text format').fill('# TYPE good_total counter\ngood_total 1\n');
    await shows(page, /It would be applied[\s\S]*1 series, 1 new/);
    await page.getByRole('button', { name: 'Push', exact: true }).click();
    await shows(page, /Pushed\./);
    await page.getByRole('link', { name: 'See it in the list' }).click();
    await shows(page, /good_total[\s\S]*new\s*→\s*1/);
  }
});

test('which of the limits of tokens and rules are nearly reached? a reader', async () => {
  const rules =
    'sources:\n  - path_labels: add\nmetrics:\n  - match: visits_total\n    series_max: 4\n    on_limit: drop\n';
  const { page, go, send } = await ask(reader, [], rules);
  for (const user of [1, 2, 3])
    await send('/job/api', `# TYPE visits_total counter\nvisits_total{user="${user}"} 1\n`);
  await go('#/limits');
  await shows(
    page,
    /Of tokens and rules[\s\S]*metric visits_total\s*series_max[\s\S]*75 %\s*3\s*4\s*dropped/,
  );
  await page.getByRole('link', { name: 'visits_total' }).click();
  await page.getByRole('heading', { name: 'visits_total', level: 1 }).waitFor(PATIENCE);
  await go('#/rules');
  await shows(page, /path_labels: add\}\s*Copy\s*metrics[\s\S]*Catches 1 metric:\s*visits_total/);
});

test('who added lately to one series? a reader', async () => {
  const { page, go, send } = await ask(reader);
  for (const [job, x] of [
    ['one', 1],
    ['two', 2],
    ['two', 2],
  ] as const)
    await send(`/job/${job}`, `# TYPE rows_total counter\nrows_total{x="${x}"} 1\n`);
  await go('#/metrics/rows_total');
  await shows(page, /Lately, by series[\s\S]*rows_total\{x="1"\} 100 % by job\/one/);
  await page.locator('summary').filter({ hasText: 'x="2"' }).click();
  await shows(page, /All that was added to it since[\s\S]*job\/two[\s\S]*100 %\s*2/);
});

test.each(people)('which label explodes? %s', async (_who, token) => {
  const { page, go, send } = await ask(token);
  const lines = Array.from({ length: 300 }, (_, i) => `visits_total{user="${i}",site="shop"} 1\n`);
  await send('/job/api', `# TYPE visits_total counter\n${lines.join('')}`);
  await go('#/cardinality');
  await shows(
    page,
    /Series by metric name[\s\S]*visits_total\s*300\s*100 %[\s\S]*Values by label[\s\S]*user\s*300/,
  );
  await page.getByRole('link', { name: 'user', exact: true }).first().click();
  await shows(page, /Label user[\s\S]*Values\s*300[\s\S]*Series by value of user/);
  await page.locator('table a').first().click();
  await shows(page, /1 metric[\s\S]*visits_total/);
  await go('#/limits');
  await shows(page, /series\s[\s\S]*300/);
});

test.each(people)('is anybody scraping? %s', async (_who, token) => {
  const { page, go, url } = await ask(token);
  await go('#/scrapers');
  await shows(page, /Nobody scrapes[\s\S]*scrape_configs:/);
  for (const agent of ['Prometheus/3.5.0', 'Prometheus/3.4.0'])
    for (let i = 0; i < 2; i += 1)
      await (
        await fetch(`${url}/metrics`, {
          headers: { ...(bearer(admin).headers as object), 'User-Agent': agent },
        })
      ).text();
  await shows(page, /2 targets scrape one aggregate[\s\S]*Prometheus\/3\.5\.0[\s\S]*aggregate/);
});

test.each(people)('who pushes, and what do the rules make of it? %s', async (_who, token) => {
  const { page, go, send, url } = await ask(
    token,
    ['--by-job'],
    'metrics:\n  - { match: queue_depth, gauge: max }\n  - { match: nothing_of_it, gauge: max }\n',
  );
  for (const [instance, depth] of [
    ['a', 3],
    ['b', 8],
  ] as const)
    await send(`/job/api/instance/${instance}`, `# TYPE queue_depth gauge\nqueue_depth ${depth}\n`);
  await go('#/sources');
  await shows(page, /2 sources[\s\S]*job\s*api[\s\S]*by-job[\s\S]*ago|now/);
  await go('#/rules');
  await shows(
    page,
    /match: queue_depth[\s\S]*Catches 1 metric:\s*queue_depth[\s\S]*nothing_of_it[\s\S]*Catches no metric/,
  );
  await page.getByRole('link', { name: 'queue_depth' }).click();
  await shows(page, /queue_depth[\s\S]*8[\s\S]*rule of the configuration file/);
  if (token !== admin) return;
  await go(`#/sources`);
  await page.getByRole('link', { name: 'Delete…' }).last().click();
  await shows(page, /1 source would be deleted/);
  await page.getByRole('button', { name: 'Delete 1 source' }).click();
  await shows(page, /Deleted\./);
  expect(await (await fetch(`${url}/metrics`, bearer(admin))).text()).toContain('queue_depth');
  await go('#/audit');
  await shows(page, /delete_sources[\s\S]*job=/);
});

test('the last hour is drawn once there is some of it', async () => {
  const { page, go, send } = await ask(reader);
  await send('/job/api', '# TYPE depth gauge\ndepth 3\n');
  await go('#/metrics/depth');
  await shows(page, /The chart begins with the next push|Value/);
  await page.locator('.plot canvas').waitFor({ timeout: 90_000 });
  expect(await page.locator('.plot').getAttribute('aria-label')).toMatch(/^Value\. Value: now 3/);
});
