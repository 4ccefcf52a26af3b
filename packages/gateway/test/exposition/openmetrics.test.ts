/** What OpenMetrics says besides numbers: what the sink is told of it, and that no bytes lead astray. */
import { describe, expect, it, test } from 'vitest';

import { beginOpenMetrics } from '../../src/exposition/openmetrics/decode.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import { RecordingSink } from '../support/sinks.ts';

function told(body: string, strict = true): string {
  const sink = new RecordingSink();
  const decoder = beginOpenMetrics(Buffer.from(body), sink, { strict });
  while (!decoder.advance(50));
  return sink.text;
}

describe('what is told', () => {
  const cases: readonly [name: string, body: string, told: string][] = [
    [
      'units, with the name that the family has for the sink',
      '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds Some.\n# TYPE b gauge\n# UNIT b \n# EOF\n',
      'type a_seconds_total counter\nhelp a_seconds_total Some.\nunit a_seconds_total seconds\ntype b gauge\n',
    ],
    [
      'start times after a sample of their series, in any notation',
      `# TYPE a counter
a_total{x="1"} 1
a_created{x="1"} 1.7000000005e+09
a_total{x="\\"} 2"} 2
a_created{x="\\"} 2"} 1700000000.25
a_total 3 # {t="1"} 3 1
a_created 1
# EOF
`,
      `type a_total counter
a_total{x="1"} 1
  start 1700000000500
a_total{x="\\"} 2"} 2
  start 1700000000250
a_total 3
  exemplar{t="1"} 3 at 1000
  start 1000
`,
    ],
    [
      'start times of histograms and summaries',
      `# TYPE h histogram
h_bucket{a="1",le="+Inf"} 1
h_count{a="1"} 1
h_sum{a="1"} 1
h_created{a="1"} 2
# TYPE s summary
s_sum 1
s_count 1
s_created 2
s{a="1",quantile="0.5"} 1
s_created{a="1"} 3
# EOF
`,
      `type h histogram
h_bucket{a="1",le="+Inf"} 1
h_count{a="1"} 1
h_sum{a="1"} 1
  start 2000
type s summary
s_sum 1
s_count 1
  start 2000
s{a="1",quantile="0.5"} 1
start of s_count{a="1"} 3000
`,
    ],
    [
      'start times before their series, or spelled otherwise',
      `# TYPE a counter
a_created{x="1"} 1
a_total{x="1"} 1
a_total{x="1",y="2"} 1
a_created{y="2",x="1"} 3
# EOF
`,
      `type a_total counter
start of a_total{x="1"} 1000
a_total{x="1"} 1
a_total{x="1",y="2"} 1
start of a_total{x="1",y="2"} 3000
`,
    ],
    [
      'no start times that cannot be',
      `# TYPE a counter
a_total 1
${['0', '-1', 'NaN', '+Inf', '-Inf'].map((value) => `a_created ${value}\n`).join('')}# EOF
`,
      'type a_total counter\na_total 1\n',
    ],
    [
      'of several points in time the last, start times and exemplars too',
      `# TYPE a counter
a_total 1 10 # {t="1"} 1
a_created 5 10
a_total 2 11 # {t="2"} 1 10.5
a_created 5.5 11
# EOF
`,
      'type a_total counter\na_total 2\n  exemplar{t="2"} 1 at 10500\nstart of a_total 5500\n',
    ],
    [
      'exemplars of buckets',
      `# TYPE h histogram
h_bucket{le="1.0"} 1 # {} 0.5
h_bucket{le="+Inf"} 2 # {a="\\\\",b=""} +Inf -1
h_count 2
h_sum 1
# EOF
`,
      `type h histogram
h_bucket{le="1.0"} 1
  exemplar 0.5
h_bucket{le="+Inf"} 2
  exemplar{a="\\\\"} +Inf at -1000
h_count 2
h_sum 1
`,
    ],
    [
      'infos, state sets and gauge histograms',
      `# TYPE a info
a_info{v="1"} 1
# TYPE s stateset
s{s="on"} 1
# TYPE g gaugehistogram
g_bucket{le="+Inf"} 1 # {t="1"} 1
g_gcount 1
g_gsum 2
# EOF
`,
      `type a_info info
a_info{v="1"} 1
type s stateset
s{s="on"} 1
type g gaugehistogram
g_bucket{le="+Inf"} 1
  exemplar{t="1"} 1
g_count 1
g_sum 2
`,
    ],
  ];
  it.each(cases)('%s', (_name, body, lines) => {
    expect(told(body)).toBe(lines);
  });

  it('lenient: start times apart from their series, or without one', () => {
    const body = `# TYPE a counter
a_created{x="1"} 1
a_total{x="1"} 1
a_created{x="2"} 2
a_total{x="1",y="2"} 1
# TYPE ba counter
ba_total 1
# TYPE a_b counter
a_b_created 4
# EOF
`;
    expect(told(body, false)).toBe(`type a_total counter
start of a_total{x="1"} 1000
a_total{x="1"} 1
start of a_total{x="2"} 2000
a_total{x="1",y="2"} 1
type ba_total counter
ba_total 1
type a_b_total counter
start of a_b_total 4000
`);
  });

  it('lenient: a start time after a line that is no sample', () => {
    expect(told('# TYPE a counter\na_total 1\n\n# a b\na_created 3\n# EOF\n', false)).toBe(
      'type a_total counter\na_total 1\nstart of a_total 3000\n',
    );
  });
});

describe('lenient: a family that goes on after another one', () => {
  const cases: readonly [name: string, body: string, told: string][] = [
    [
      'a counter',
      '# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\na_created 3\na_total{x="1"} 2\na_created{x="1"} 4\n',
      'type a_total counter\na_total 1\ntype b gauge\nb 1\nstart of a_total 3000\na_total{x="1"} 2\n  start 4000\n',
    ],
    [
      'a counter that is called as its samples are',
      '# TYPE a_total counter\na_total 1\na_created 3\nb 1\na_created{x="1"} 4\n',
      'type a_total counter\na_total 1\nstart of a_total 3000\nb 1\nstart of a_total{x="1"} 4000\n',
    ],
    [
      'a gauge histogram',
      '# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 1\nb 1\ng_gcount 1\nb 2\ng_gsum 5\n',
      'type g gaugehistogram\ng_bucket{le="+Inf"} 1\nb 1\ng_count 1\nb 2\ng_sum 5\n',
    ],
    [
      'not where the sample is a family of its own',
      '# TYPE a_created gauge\na_created 1\n# TYPE a counter\na_total 1\nb 1\na_created{x="1"} 2\n',
      'type a_created gauge\na_created 1\ntype a_total counter\na_total 1\nb 1\na_created{x="1"} 2\n',
    ],
  ];
  it.each(cases)('%s', (_name, body, lines) => {
    expect(told(`${body}# EOF\n`, false)).toBe(lines);
  });
});

describe('a start time at the end of a body that was cut short', () => {
  const whole =
    '# TYPE a counter\na_total{x="a long value, longer than what follows"} 1\na_created{x="a long value, longer than what follows"} 1\n';
  it.each(Array.from({ length: 62 }, (_, cut) => cut + 1))('by %i bytes', async (cut) => {
    const gateway = createGateway();
    await gateway.push(`${whole}# EOF\n`, { format: 'openmetrics' });
    // In a buffer of its own, so that there is nothing behind it.
    const body = Uint8Array.from(Buffer.from(whole.slice(0, -cut)));
    const refusal: unknown = await gateway
      .push(body, { format: 'openmetrics' })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RequestError);
    expect((refusal as RequestError).code).toBe('syntax');
  });
});

test('a gauge that is called like the count of a gauge histogram is not taken for it, nor the other way round', async () => {
  const gauge = '# TYPE g_gcount gauge\ng_gcount 100\n# EOF\n';
  const histogram = '# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 1\ng_gcount 1\ng_gsum 2\n# EOF\n';
  for (const bodies of [
    [gauge, histogram, gauge, histogram],
    [histogram, gauge, histogram, gauge],
  ]) {
    const gateway = createGateway();
    for (const body of bodies) await gateway.push(body, { format: 'openmetrics' });
    expect(await gateway.scrape()).toBe(`# TYPE g histogram
g_bucket{le="+Inf"} 2
g_sum 4
g_count 2
# TYPE g_gcount gauge
g_gcount 200
`);
  }
});
