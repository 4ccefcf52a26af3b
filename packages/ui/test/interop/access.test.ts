/** Signing in, what rights show and hide, and where the page may lie. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../../gateway/src/index.ts';
import { temporaryFolder } from '../../../gateway/test/support/folders.ts';
import { startGateway } from '../../../gateway/test/support/process.ts';
import { admin, bearer, narrowed, reader, sender } from '../support/accounts.ts';
import { push, visit } from '../support/browser.ts';

const PATIENCE = { timeout: 30_000 };
const views = (page: Page): Promise<string[]> =>
  page.getByRole('navigation', { name: 'Views' }).getByRole('link').allInnerTexts();

async function signIn(page: Page, token: string, isKept = false): Promise<void> {
  await page.getByLabel('Token', { exact: true }).last().fill(token);
  if (isKept) await page.getByLabel(/Keep it/).check();
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('asks for a token, says what is wrong with one, and forgets it with the page', async () => {
  const gateway = await startGateway(narrowed());
  const { page } = await visit(gateway.url, { expected: [401, 403] });
  await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
  // The title in the browser says nothing of the gateway either, nor does the page.
  expect(await page.content()).not.toContain('1.0.0');
  await signIn(page, 'wrong');
  await page.getByText('the token is not known').waitFor(PATIENCE);
  await signIn(page, sender);
  await page.getByText(/token sender may push, not read/).waitFor(PATIENCE);
  await signIn(page, reader);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await push(gateway.url, '/job/x', 'a_total 1\n', bearer(sender));
  await expect.poll(() => page.locator('.feed > li').first().innerText(), PATIENCE).toContain('by sender');
  expect(
    await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])'),
  ).not.toContain(reader);
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
});

test('keeps the token for the tab where that was asked for, and no longer than until signing out', async () => {
  const gateway = await startGateway(narrowed());
  const { page } = await visit(gateway.url, { expected: [401] });
  await signIn(page, reader, true);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await page.reload();
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
});

test('takes a user and a password, without a dialog of the browser', async () => {
  const file = join(temporaryFolder(), 'web.yml');
  // The password is dave123.
  writeFileSync(
    file,
    "basic_auth_users: {dave: '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC'}\n",
  );
  const gateway = await startGateway([`--web.config.file=${file}`]);
  const { page } = await visit(gateway.url, { expected: [401] });
  await page.getByLabel('User and password').check();
  await page.getByLabel('User', { exact: true }).fill('dave');
  await page.getByLabel('Password', { exact: true }).fill('dave123');
  await page.keyboard.press('Enter');
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
});

test('a reader sees no form to push, and an admin may delete', async () => {
  const gateway = await startGateway([...narrowed(), '--web.enable-admin-api']);
  await push(
    gateway.url,
    '/job/x',
    '# TYPE a_total counter\na_total{b="1"} 1\na_total{b="2"} 2\n',
    bearer(admin),
  );
  const { page, go } = await visit(gateway.url, { expected: [401] });
  await signIn(page, reader);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  expect(await views(page)).not.toContain('Push');
  await go('#/delete?what=series&match=a_total');
  await page.getByText('The right admin is missing.').waitFor(PATIENCE);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, admin);
  await expect.poll(() => views(page), PATIENCE).toContain('Push');
  await go('#/metrics/a_total');
  await page.getByRole('link', { name: 'Delete…' }).first().click();
  await page.getByText('2 series would be deleted').waitFor(PATIENCE);
  expect(await (await fetch(`${gateway.url}/metrics`, bearer(admin))).text()).toContain('a_total');
  await page.getByRole('button', { name: 'Delete 2 series' }).click();
  await page.getByText('Deleted.').waitFor(PATIENCE);
  expect(await (await fetch(`${gateway.url}/metrics`, bearer(admin))).text()).not.toContain('a_total');
});

test('without the admin API the page says which flag is missing', async () => {
  const gateway = await startGateway();
  const { page, go } = await visit(gateway.url);
  await go('#/delete?what=series&match=a_total');
  await page.getByText('Deleting is turned off.').waitFor(PATIENCE);
  expect(await page.locator('.notice').innerText()).toContain('--web.enable-admin-api');
});

test('lies below a prefix, with or without a slash', async () => {
  const gateway = await startGateway(['--web.route-prefix=/pag']);
  for (const path of ['/pag', '/pag/', '/pag/#/refusals']) {
    const { page, go } = await visit(gateway.url + path);
    await page.getByRole('navigation', { name: 'Views' }).waitFor(PATIENCE);
    await go('#/');
    await page.getByText('live', { exact: true }).waitFor(PATIENCE);
    expect(await page.locator('pre code').innerText()).toContain(`${gateway.url}/pag/metrics/`);
  }
});

test('lies below a path that only the server around it knows', async () => {
  const gateway = createGateway();
  const server = createServer((request, response) => {
    request.url = request.url!.replace(/^\/gw/, '');
    gateway.handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await gateway.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/gw`;
  const { page, go } = await visit(`${url}/`);
  await page.getByText('live', { exact: true }).waitFor(PATIENCE);
  await go('#/push');
  await page.getByText('It would be').waitFor(PATIENCE);
  await page.getByRole('button', { name: 'Push', exact: true }).click();
  await page.getByText('Pushed.').waitFor(PATIENCE);
  expect(await gateway.scrape()).toContain('hello_total{from="page"} 1');
});

test('a filter that is wrong can be put right', async () => {
  const gateway = await startGateway();
  await push(gateway.url, '/job/x', '# TYPE a_total counter\na_total{b="1"} 1\na_total{b="2"} 2\n');
  const { page, go } = await visit(gateway.url, { expected: [400] });
  await go('#/metrics/a_total?selector=a_total{b');
  await page.getByRole('alert').first().waitFor(PATIENCE);
  await page.getByLabel('Selector').fill('a_total{b="2"}');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('tbody tr').first().innerText(), PATIENCE).toMatch(/b\s*2\s*2/);
});
