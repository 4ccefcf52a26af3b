/** Random rules and series through a real Prometheus 3: what it keeps is what our relabelling makes of them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { seriesText } from '../../src/model/series-text.ts';
import { NAME_LABEL } from '../../src/model/labels.ts';
import { relabel } from '../../src/rules/relabel.ts';
import { arbitraryLabels, arbitraryRelabelRule } from '../rules/arbitrary-relabelling.ts';
import { oneByOne, relabelRule } from '../rules/rules.ts';
import type { WrittenRelabelRule } from '../rules/rules.ts';
import { eventually } from '../support/eventually.ts';
import { startPrometheus } from '../support/prometheus.ts';

const binary = process.env['PROMETHEUS_3'] ?? '';
const reason = 'needs PROMETHEUS_3, the path of a Prometheus 3.5 or later; see .ci/prometheus3';

const JOBS = 150;

type Labels = Readonly<Record<string, string>>;

interface Job {
  readonly name: string;
  readonly rules: readonly WrittenRelabelRule[];
  readonly page: string;
  /** By the label `case`, which no rule touches: nothing is added up, and each series is told from all others. */
  readonly expected: ReadonlyMap<string, Labels>;
}

const arbitraryJob = fc.record({
  rules: fc.array(arbitraryRelabelRule, { minLength: 1, maxLength: 4 }),
  series: fc.array(arbitraryLabels, { minLength: 5, maxLength: 10 }),
});

/** Letters that JavaScript and Go do not see alike by themselves. */
const cases: { readonly rules: readonly WrittenRelabelRule[]; readonly series: readonly Labels[] } = {
  rules: [
    { action: 'lowercase', source_labels: ['a'], target_label: 'l' },
    { action: 'uppercase', source_labels: ['a'], target_label: 'u' },
  ],
  series: ['ΑΣ', 'İstanbul', 'Straße', 'ᾳᾀᾈ', 'ŉ𐐨', 'ǆǅ', 'ﬁ'].map((a) => ({ __name__: 'load', a })),
};

function jobOf(
  { rules, series }: { readonly rules: readonly WrittenRelabelRule[]; readonly series: readonly Labels[] },
  number: number,
  instance: string,
): Job {
  const name = `job${number}`;
  const compiled = rules.map(relabelRule);
  const lines: string[] = [];
  const expected = new Map<string, Labels>();
  for (const [i, pushed] of series.entries()) {
    const labels: Labels = { ...pushed, case: `${number}-${i}` };
    const scraped = Object.entries({ job: name, instance, ...labels });
    const set = relabel(new Map(scraped.toSorted(([a], [b]) => (a < b ? -1 : 1))), oneByOne(compiled));
    // It would fail the whole scrape.
    if (set !== undefined && (!set.has(NAME_LABEL) || set.has(''))) continue;
    const { [NAME_LABEL]: metric = '', ...others } = labels;
    lines.push(
      `${seriesText(
        metric,
        Object.entries(others).map(([label, value]) => ({ name: label, value })),
      )} 1\n`,
    );
    if (set !== undefined) expected.set(labels['case']!, Object.fromEntries(set));
  }
  return { name, rules, page: lines.join(''), expected };
}

async function servePages(pages: ReadonlyMap<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(pages.get(request.url ?? '') ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.skipIf(binary === '')(
  `random rules do to random series what Prometheus does (${reason})`,
  async () => {
    const pages = new Map<string, string>();
    const target = await servePages(pages);
    const seed = Number(process.env['RELABEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const jobs = [cases, ...fc.sample(arbitraryJob, { numRuns: JOBS - 1, seed })].map((job, number) =>
      jobOf(job, number, target),
    );
    for (const { name, page } of jobs) pages.set(`/${name}`, page);
    const prometheus = await startPrometheus(`http://${target}`, {
      binary,
      jobs: jobs.map(({ name, rules }) => ({
        job_name: name,
        metrics_path: `/${name}`,
        static_configs: [{ targets: [target] }],
        metric_relabel_configs: rules,
      })),
    });
    await eventually(
      'all jobs to be scraped',
      async () => (await prometheus.value('count(up{job!="gateway"} == 1)')) === JOBS,
      30_000,
    );
    const kept = await prometheus.query('{case!=""}');
    const byCase = new Map(kept.map(({ metric }) => [metric['case']!, metric]));
    for (const { name, rules, expected } of jobs) {
      const found = Object.fromEntries(
        [...byCase].filter(([label]) => label.startsWith(`${name.slice(3)}-`)),
      );
      expect(found, `RELABEL_SEED=${seed}, ${JSON.stringify(rules)}`).toEqual(Object.fromEntries(expected));
    }
    expect(byCase.size).toBeGreaterThan(JOBS);
  },
  60_000,
);
