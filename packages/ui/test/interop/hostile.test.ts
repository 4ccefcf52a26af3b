/** What senders choose is text, wherever it is shown: it runs nothing, breaks no page, and holds up nobody. */
import { expect, test } from 'vitest';

import { startGateway } from '../../../gateway/test/support/process.ts';
import { selector } from '../../src/lib/names.ts';
import { visit } from '../support/browser.ts';

const PATIENCE = { timeout: 30_000 };
const script = '<script>alert(1)</script><img src=x onerror=alert(1)>';
const values: readonly string[] = [
  script,
  `"'\`{{7*7}}$\{alert(1)}`,
  '\u202Egnp.exe\u2066',
  'x'.repeat(10_000),
  'javascript:alert(1)',
  '&lt;b&gt;',
  '\u0000\u0007',
];

test('hostile names and values', async () => {
  const gateway = await startGateway();
  const name = script;
  const escapedText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const lines = values.map(
    (value, i) => `${selector(name, { [`label ${script}`]: value, n: String(i) })} 1\n`,
  );
  const body = `# HELP "${name}" ${escapedText(script)}\n# TYPE "${name}" counter\n${lines.join('')}`;
  const path = `/metrics/job/${encodeURIComponent(script)}/instance/${encodeURIComponent('\u202Ex')}`;
  const accepted = await fetch(gateway.url + path, {
    method: 'POST',
    body,
    headers: { 'User-Agent': script },
  });
  expect([accepted.status, await accepted.text()]).toEqual([202, '']);
  const refused = await fetch(gateway.url + path, {
    method: 'POST',
    body: `${script} ${'y'.repeat(50_000)}\n`,
  });
  expect(refused.status).toBe(400);
  const { page, go } = await visit(gateway.url);
  await page.locator('.feed > li').nth(1).waitFor(PATIENCE);
  expect(await page.locator('.feed').innerText()).toContain('<script>alert(1)</script>');
  const hashes = [
    '#/metrics',
    `#/metrics/${encodeURIComponent(name)}`,
    '#/sources',
    '#/refusals',
    '#/cardinality',
    `#/cardinality?label=${encodeURIComponent(`label ${script}`)}`,
  ];
  for (const hash of [...hashes, `#/${script}`, `#/metrics?search=${script}`, `#/delete?match=${script}`]) {
    await go(hash);
    await page.waitForTimeout(600);
    const found = await page.evaluate(() => ({
      scripts: document.querySelectorAll('#app script, #app img, #app iframe').length,
      overflow: document.documentElement.scrollWidth - innerWidth,
      links: [...document.querySelectorAll<HTMLAnchorElement>('#app a')]
        .map((a) => a.protocol)
        .filter((protocol) => protocol !== location.protocol),
    }));
    expect(found, hash).toEqual({ scripts: 0, overflow: 0, links: [] });
  }
  // Characters that are not seen, and those that move others, are seen for what they are.
  await go(`#/metrics/${encodeURIComponent(name)}`);
  const chips = page.locator('.chip-value');
  await chips.first().waitFor(PATIENCE);
  const shown = await chips.allInnerTexts();
  expect(shown).toContain('\\u202egnp.exe\\u2066');
  expect(shown).toContain('\\u0000\\u0007');
  await go('#/refusals');
  const excerpt = page.locator('.excerpt').first();
  await excerpt.waitFor(PATIENCE);
  expect(await excerpt.innerText()).toContain('<script>');
  // As text it is there.
  await go(`#/metrics/${encodeURIComponent(name)}`);
  await page.getByRole('heading', { name: script }).waitFor(PATIENCE);
});
