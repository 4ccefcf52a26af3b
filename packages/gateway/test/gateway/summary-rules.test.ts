/** Rules keep or drop single summaries, however they are pushed, and from a reload on also those that are stored. */
import { expect, test } from 'vitest';

import type { PushFormat } from '../../src/gateway/api.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';

const kept = { metrics: [{ match: 'x', summary: 'sum-and-count' }] };
const dropped = { metrics: [{ match: 'x', summary: 'discard' }] };
/** Besides what both say, series are rewritten. */
const rewritten = { metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] };

function bodyOf(format: PushFormat, name: string): Buffer {
  if (format === 'protobuf')
    return pb.family(
      name,
      { type: 'summary', help: 'Some help.' },
      ...['a', 'b'].map((l) => pb.summary({ l }, { count: 5, sum: 10, quantiles: [[0.5, 1]] })),
    );
  const series = ['a', 'b'].map(
    (l) => `${name}{l="${l}",quantile="0.5"} 1\n${name}_sum{l="${l}"} 10\n${name}_count{l="${l}"} 5\n`,
  );
  const end = format === 'openmetrics' ? '# EOF\n' : '';
  return Buffer.from(`# HELP ${name} Some help.\n# TYPE ${name} summary\n${series.join('')}${end}`);
}

function pageOf(name: string, times: number): string {
  const series = ['a', 'b'].map(
    (l) => `${name}_sum{l="${l}"} ${10 * times}\n${name}_count{l="${l}"} ${5 * times}\n`,
  );
  return `# HELP ${name} Some help.\n# TYPE ${name} summary\n${series.join('')}`;
}

const ways = (['text', 'openmetrics', 'protobuf'] as const).flatMap((format) =>
  [false, true].flatMap((byJob) =>
    [false, true].flatMap((isRewritten) =>
      (['discard', 'sum-and-count'] as const).map((summaries) => ({ format, byJob, isRewritten, summaries })),
    ),
  ),
);

test.each(ways)(
  '$format, by-job: $byJob, rewritten: $isRewritten, others: $summaries',
  async ({ format, byJob, isRewritten, summaries }) => {
    const rules = (all: object): object => (isRewritten ? { ...all, ...rewritten } : all);
    const running = await RestartingGateway.start({ byJob, summaries });
    await running.setRules(rules(kept));
    /** As series keys are known from the second time on. */
    const push = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1)
        for (const name of ['x', 'y'])
          await running.gateway.push(bodyOf(format, name), { format, path: 'job/a' });
    };
    const page = (x: number, y: number): string =>
      [
        x === 0 ? '' : pageOf('x', byJob ? 1 : x),
        summaries === 'discard' ? '' : pageOf('y', byJob ? 1 : y),
      ].join('');
    await push(3);
    expect(await running.gateway.scrape()).toBe(page(3, 3));
    await running.setRules(rules(dropped));
    expect(await running.gateway.scrape()).toBe(page(0, 3));
    await push(3);
    expect(await running.gateway.scrape()).toBe(page(0, 6));
    await running.restart({ byJob, summaries });
    await push(1);
    expect(await running.gateway.scrape()).toBe(page(0, 7));
    await running.setRules(rules(kept));
    expect(await running.gateway.scrape()).toBe(page(0, 7));
    await push(2);
    expect(await running.gateway.scrape()).toBe(page(2, 9));
    await running.restart({ byJob, summaries });
    await push(1);
    expect(await running.gateway.scrape()).toBe(page(3, 10));
    void running.gateway.close();
  },
);

test('a start with another file, or with none, drops what is not kept any more', async () => {
  const running = await RestartingGateway.start({ rules: kept });
  await running.gateway.push(bodyOf('text', 'x'));
  await running.restart({});
  expect(await running.gateway.scrape()).toBe('');
  await running.gateway.push(bodyOf('text', 'x'));
  await running.restart({ rules: kept });
  expect(await running.gateway.scrape()).toBe('');
  await running.gateway.push(bodyOf('text', 'x'));
  expect(await running.gateway.scrape()).toBe(pageOf('x', 1));
  void running.gateway.close();
});

test('samples that become one, and are dropped by a rule, are all counted as dropped', async () => {
  const running = await RestartingGateway.start({ summaries: 'sum-and-count' });
  await running.setRules({ ...dropped, ...rewritten });
  const series = ['a', 'b'].map(
    (pod) => `x{quantile="0.5",pod="${pod}"} 1\nx_sum{pod="${pod}"} 2\nx_count{pod="${pod}"} 3\n`,
  );
  expect(await running.gateway.push(`# TYPE x summary\n${series.join('')}`)).toBe('dropped');
  const ignored = 'prom_aggregation_gateway_samples_ignored_total{reason="summary"} 6\n';
  expect(await running.ownMetrics()).toContain(ignored);
  void running.gateway.close();
});
