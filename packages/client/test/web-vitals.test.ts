import { expect, test } from 'vitest';

import { webVitals } from '../src/web-vitals.ts';
import { client, fakeNetwork } from './support/fake-network.ts';

test('each metric of a page view is observed once, in seconds', async () => {
  const sent = fakeNetwork();
  const { metrics, drops } = client();
  const report = webVitals(metrics);
  report({ name: 'LCP', value: 2500, id: 'v5-1' });
  report({ name: 'LCP', value: 2600, id: 'v5-1' });
  report({ name: 'LCP', value: 800, id: 'v5-2' });
  report({ name: 'CLS', value: 0.1, id: 'v5-3' });
  report({ name: 'FID', value: 1, id: 'v5-4' });
  report({ name: 'toString', value: 1, id: 'v5-5' });
  await metrics.flush();
  const [{ body }] = sent as [(typeof sent)[0]];
  expect(body).toContain('web_lcp_seconds_bucket{le="2.5"} 2\n');
  expect(body).toContain('web_lcp_seconds_sum 3.3\n');
  expect(body).toContain('web_cls_bucket{le="0.05"} 0\nweb_cls_bucket{le="0.1"} 1\n');
  expect(body.match(/_count \d+/g)).toEqual(['_count 2', '_count 1']);
  expect(drops).toEqual([]);
});

test('ids are remembered for so many page views, and no more', async () => {
  const sent = fakeNetwork();
  const { metrics } = client();
  const report = webVitals(metrics);
  for (let id = 0; id < 1_200; id += 1) report({ name: 'INP', value: 100, id: String(id) });
  report({ name: 'INP', value: 100, id: '1199' });
  await metrics.flush();
  expect(sent[0]!.body).toContain('web_inp_seconds_count 1200\n');
});
