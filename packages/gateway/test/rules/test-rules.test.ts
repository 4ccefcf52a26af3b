import { expect, test } from 'vitest';

import { testRules as tested } from '../../src/test-rules.ts';
import { rulesOf } from './rules.ts';

async function testRules(...given: Parameters<typeof tested>): Promise<string> {
  return (await tested(...given)).text;
}

const rules = rulesOf({
  sources: [{ match: '{job="web"}', path_labels: ['job'] }],
  metric_relabel_configs: [
    { action: 'drop', source_labels: ['__name__'], regex: 'debug_.*' },
    { action: 'labeldrop', regex: 'pod' },
    { source_labels: ['__name__'], regex: 'old_(.*)', target_label: '__name__', replacement: 'new_$1' },
  ],
  metrics: [
    { match: 'hits_total', without: ['code'] },
    { match: 'runs', type: 'counter' },
    { match: 'h', buckets: [1], ttlMs: 90_000 },
    { match: 'runs', ttlMs: 7_200_000 },
    { match: 's', summary: 'sum-and-count' },
    { match: 'g', gauge: 'max', windowMs: 300_000 },
  ],
});

test('the page, and which rule did what to each series', async () => {
  const body = `# TYPE hits_total counter
hits_total{pod="a",code="200"} 1
hits_total{pod="b",code="500"} 2
debug_x 1
runs 3
old_x{le="1",a=""} 4
# TYPE h histogram
h_bucket{le="0.5"} 1
h_bucket{le="+Inf"} 1
`;
  expect(await testRules(rules, Buffer.from(body), { path: 'job/web/instance/i' })).toBe(`# TYPE h histogram
h_bucket{job="web",le="1"} 1
h_bucket{job="web",le="+Inf"} 1
h_count{job="web"} 1
# TYPE hits_total counter
hits_total{job="web"} 3
# TYPE new_x untyped
new_x{job="web",le="1"} 4
# TYPE runs counter
runs{job="web"} 3

hits_total{code="200",pod="a"} -> hits_total{job="web"}  (path labels job; metric_relabel_configs[1] labeldrop; metrics[0] without code)
hits_total{code="500",pod="b"} -> hits_total{job="web"}  (path labels job; metric_relabel_configs[1] labeldrop; metrics[0] without code)
debug_x -> dropped  (path labels job; metric_relabel_configs[0] drop)
runs -> runs{job="web"}  (path labels job; metrics[1] type counter; metrics[3] ttl 2h)
old_x{le="1"} -> new_x{job="web",le="1"}  (path labels job; metric_relabel_configs[2] replace)
h_bucket{le="0.5"} -> h_bucket{job="web",le="1"}  (path labels job; metrics[2] buckets 1; metrics[2] ttl 1m30s)
h_bucket{le="+Inf"} -> h_bucket{job="web",le="+Inf"}  (path labels job; metrics[2] buckets 1; metrics[2] ttl 1m30s)
`);
});

test('a gauge with a window', async () => {
  expect(await testRules(rules, Buffer.from('# TYPE g gauge\ng 1\n'))).toBe(
    '# TYPE g gauge\ng 1\n\ng  (metrics[5] gauge max window 5m)\n',
  );
});

test('a summary that a rule keeps', async () => {
  const body = '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 3\n';
  const did = '(metrics[4] summary sum-and-count)';
  expect(await testRules(rules, Buffer.from(body))).toBe(`# TYPE s summary
s_sum 2
s_count 3

s{quantile="0.5"}  ${did}
s_sum  ${did}
s_count  ${did}
`);
});

test('what no rule touches', async () => {
  expect(await testRules(rules, Buffer.from('a{b="c"} 1\n'), { path: 'job/other' })).toBe(
    '# TYPE a untyped\na{b="c"} 1\n\na{b="c"}  (as pushed)\n',
  );
});

test('a push that is refused', async () => {
  expect(await testRules(rules, Buffer.from('a 1\na 1\n'))).toBe(
    'refused: 400 duplicate_series: line 2, column 1: a appears twice in this push; send each series once\n',
  );
});

test('how the sender counts, where a rule says it', async () => {
  const modes = rulesOf({
    sources: [
      { match: '{job="web"}', mode: 'add' },
      { match: '{job="worker"}', mode: 'by-job', counter_resets: 'accumulate' },
    ],
  });
  const body = Buffer.from('a 1\n');
  const page = '# TYPE a untyped\na 1\n\n';
  expect(await testRules(modes, body, { path: 'job/web' })).toBe(
    `${page}mode add  (sources[0])\na  (as pushed)\n`,
  );
  expect(await testRules(modes, body, { path: 'job/worker' })).toBe(
    `${page}mode by-job, counter resets accumulate  (sources[1])\na  (as pushed)\n`,
  );
  expect(await testRules(modes, body, { path: 'job/other' })).toBe(`${page}a  (as pushed)\n`);
});
