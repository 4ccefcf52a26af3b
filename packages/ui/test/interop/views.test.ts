/**
 * Each view of a gateway that has much to show, in both schemes, on a screen and on a phone: axe finds nothing serious, nothing is wider than the screen,
 * and a screenshot is left in build/screenshots, to be looked at.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../../gateway/src/index.ts';
import { repository } from '../../../gateway/test/support/programs.ts';
import { visit } from '../support/browser.ts';
import { startFakeGateway } from '../support/fake-api.ts';
import type { Answers, FakeGateway } from '../support/fake-api.ts';
import { busyDay, emptyDay } from '../support/fake-data.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const shots = join(repository, 'build/screenshots');
mkdirSync(shots, { recursive: true });

const views = {
  pushes: '#/',
  metrics: '#/metrics',
  counter: '#/metrics/http_requests_total',
  histogram: '#/metrics/http_request_duration_seconds',
  gauge: '#/metrics/memory_bytes',
  sources: '#/sources',
  refusals: '#/refusals',
  cardinality: '#/cardinality',
  label: '#/cardinality?label=user_id',
  limits: '#/limits',
  scrapers: '#/scrapers',
  rules: '#/rules',
  audit: '#/audit',
  push: '#/push',
  delete: '#/delete?what=series&match=http_requests_total',
  nowhere: '#/nowhere',
} as const;

async function fake(answers: Answers): Promise<FakeGateway> {
  const gateway = createGateway({ byJob: true });
  const started = await startFakeGateway(gateway.handler, answers);
  onTestFinished(async () => {
    await started.close();
    await gateway.close();
  });
  return started;
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const looks = (['light', 'dark'] as const).flatMap((scheme) =>
  [1280, 390].map((width) => [scheme, width] as const),
);

test.each(looks.flatMap((look) => [['much', ...look] as const, ['nothing', ...look] as const]))(
  'with %s to show, %s, %i wide',
  async (what, scheme, width) => {
    const { url } = await fake(what === 'much' ? busyDay : emptyDay);
    const { page, go } = await visit(url, { scheme, width, expected: what === 'much' ? [] : [404] });
    await page.evaluate(await readFile(axe, 'utf8'));
    for (const [name, hash] of Object.entries(views)) {
      await go(hash);
      await page.locator('main h1, main .empty').first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      if (await page.locator('.plot').count()) await page.locator('.plot canvas').first().waitFor();
      await page.screenshot({
        path: join(shots, `${name}-${what}-${scheme}-${width}.png`),
        animations: 'disabled',
      });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
      const violations =
        (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))`)) as Violation[];
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect.soft(serious, name).toEqual([]);
      if (violations.length > 0)
        console.log(name, violations.map(({ id, impact }) => `${id} (${impact})`).join(', '));
    }
  },
);
