/** Of a summary that is dropped nothing has a name that another metric might want, in whatever order they come. */
import { expect, test } from 'vitest';

import type { PushFormat } from '../../src/gateway/api.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';

const text = 'x{quantile="0.5"} 1\nx_sum 10\nx_count 5\n';
/** As each format has them, without what ends a body. */
const summary: Readonly<Record<PushFormat, Buffer>> = {
  text: Buffer.from(`# HELP x Dropped.\n# TYPE x summary\n${text}`),
  openmetrics: Buffer.from(`# HELP x Dropped.\n# TYPE x summary\n${text}x_created 1600000000\n`),
  protobuf: pb.family(
    'x',
    { type: 'summary', help: 'Dropped.' },
    pb.summary({}, { count: 5, sum: 10, quantiles: [[0.5, 1]] }),
  ),
};

const rivals = [
  { name: 'x_count', type: 'counter' },
  { name: 'x_sum', type: 'gauge' },
  { name: 'x', type: 'gauge' },
  { name: 'x', type: 'untyped' },
  { name: 'x_count', type: 'untyped' },
  { name: 'x_sum', type: 'no type' },
  { name: 'x', type: 'no type' },
] as const;

function rivalIn(format: PushFormat, { name, type }: (typeof rivals)[number]): Buffer {
  if (type === 'no type') return Buffer.from(`${name} 7\n`);
  if (format === 'protobuf')
    return pb.family(name, { type }, type === 'counter' ? pb.counter({}, 7) : pb[type]({}, 7));
  // A counter of OpenMetrics has another name.
  const word = format === 'text' || type === 'gauge' ? type : 'unknown';
  return Buffer.from(`# TYPE ${name} ${word}\n${name} 7\n`);
}

function bodyOf(format: PushFormat, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.from(format === 'openmetrics' ? '# EOF\n' : '')]);
}

const ways = (['text', 'openmetrics', 'protobuf'] as const).flatMap((format) =>
  rivals
    .filter(({ type }) => format !== 'protobuf' || type !== 'no type')
    .flatMap((rival) =>
      (['summary first', 'rival first'] as const).flatMap((order) =>
        [false, true].map((byJob) => ({ format, rival, order, byJob })),
      ),
    ),
);

test.each(ways)('$format, $rival.type $rival.name, $order, by-job: $byJob', async (way) => {
  const { format, rival, order, byJob } = way;
  const parts = [summary[format], rivalIn(format, rival)];
  if (order === 'rival first') parts.reverse();
  // One type for one name in one body, and in OpenMetrics no sample name of two families, are rules of the formats. A line without a
  // type belongs to what its push declares.
  const together = rival.name !== 'x' && rival.type !== 'no type';
  const isUntyped = rival.type === 'no type' || (format === 'openmetrics' && rival.type === 'counter');
  const type = isUntyped ? 'untyped' : rival.type;
  const page = (value: number): string => `# TYPE ${rival.name} ${type}\n${rival.name} ${value}\n`;
  // The HELP of a name is the first that was told.
  const pageOf = async (running: RestartingGateway): Promise<string> =>
    (await running.gateway.scrape()).replace('# HELP x Dropped.\n', '');
  for (const bodies of together ? [parts.map((part) => [part]), [parts]] : [parts.map((part) => [part])]) {
    const running = await RestartingGateway.start({ byJob, openmetrics: 'lenient' });
    for (let times = 1; times <= 4; times += 1) {
      for (const body of bodies) await running.gateway.push(bodyOf(format, body), { format, path: 'job/a' });
      const value = byJob ? 7 : 7 * times;
      expect(await pageOf(running)).toBe(page(value));
      if (times % 2 === 0) await running.restart();
      expect(await pageOf(running)).toBe(page(value));
    }
    void running.gateway.close();
  }
});

test('a histogram and a summary that is called as one of its samples', async () => {
  const histogram = '# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_sum 1\nh_count 3\n';
  const called = '# TYPE h_count summary\nh_count{quantile="0.5"} 1\nh_count_sum 10\nh_count_count 5\n';
  for (const bodies of [
    [histogram, called],
    [called, histogram],
    [histogram + called],
    [called + histogram],
  ]) {
    const running = await RestartingGateway.start({});
    for (const body of [...bodies, ...bodies]) await running.gateway.push(body);
    await running.restart();
    expect(await running.gateway.scrape()).toBe(
      '# TYPE h histogram\nh_bucket{le="+Inf"} 6\nh_sum 2\nh_count 6\n',
    );
    void running.gateway.close();
  }
});

test('protobuf: a summary in two messages, with another one between them', async () => {
  const running = await RestartingGateway.start({});
  await running.gateway.push('# TYPE x_count counter\nx_count 8\n');
  const part = (a: string): Buffer =>
    pb.family('x', { type: 'summary' }, pb.summary({ a }, { count: 8, sum: 1, quantiles: [[0.5, 1]] }));
  const body = Buffer.concat([part('1'), pb.family('b', { type: 'gauge' }, pb.gauge({}, 1)), part('2')]);
  for (let times = 1; times <= 3; times += 1) {
    await running.gateway.push(body, { format: 'protobuf' });
    await running.restart();
    expect(await running.gateway.scrape()).toBe(
      `# TYPE b gauge\nb ${times}\n# TYPE x_count counter\nx_count 8\n`,
    );
  }
  void running.gateway.close();
});
