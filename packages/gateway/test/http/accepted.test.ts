/** What a 202 says, and the log with it. */
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { collectingLog } from '../support/collecting-log.ts';

async function started(options: EmbeddedOptions = {}): Promise<string> {
  const gateway = createGateway(options);
  onTestFinished(() => gateway.close());
  const { port } = await gateway.start({ host: '127.0.0.1' });
  return `http://127.0.0.1:${port}/metrics/job/a`;
}

async function reply(url: string, init: RequestInit): Promise<readonly [number, string | null, string]> {
  const { status, headers, text } = await fetch(url, init).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  }));
  return [status, headers.get('content-type'), text];
}

const plain = 'text/plain; charset=utf-8';
const summary = '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\n';

test('a DELETE in add mode says that nothing was deleted', async () => {
  const url = await started();
  expect(await reply(url, { method: 'DELETE' })).toEqual([
    202,
    plain,
    'nothing was deleted: in add mode the gateway does not track sources; see --by-job\n',
  ]);
});

test('a DELETE in by-job mode says nothing', async () => {
  const url = await started({ byJob: true });
  expect(await reply(url, { method: 'DELETE' })).toEqual([202, null, '']);
});

const nothing =
  'all samples of this push were ignored: summaries are dropped unless --push.summaries or a rule says sum-and-count, and so are NaN and infinite values\n';

test.each([
  ['summaries', summary],
  ['gauges that are not finite', '# TYPE g gauge\ng NaN\n'],
  ['both', `${summary}# TYPE g gauge\ng +Inf\n`],
])('a push of %s alone says that none of it adds anything', async (_name, body) => {
  const url = await started();
  expect(await reply(url, { method: 'POST', body })).toEqual([202, plain, nothing]);
});

test.each([
  ['nothing', ''],
  ['a family without samples', '# TYPE c counter\n'],
  ['a summary and a counter', `${summary}c 1\n`],
])('a push of %s says nothing', async (_name, body) => {
  const url = await started();
  expect(await reply(url, { method: 'POST', body })).toEqual([202, null, '']);
});

test('a push of summaries that are kept says nothing', async () => {
  const url = await started({ summaries: 'sum-and-count' });
  expect(await reply(url, { method: 'POST', body: summary })).toEqual([202, null, '']);
});

test('an embedder sees it, too', async () => {
  const gateway = createGateway();
  expect(await gateway.push(summary)).toBe('dropped');
  expect(await gateway.push('c 1\n')).toBe('applied');
});

test('accepted pushes are in the log at debug', async () => {
  const { log, lines } = collectingLog({ isDebugEnabled: true });
  const url = await started({ log });
  await reply(url, { method: 'POST', body: 'c 1\n' });
  await reply(url, { method: 'PUT', body: summary });
  const fields = { path: '/metrics/job/a', remote: '127.0.0.1' };
  expect(lines).toEqual([
    ['debug', 'push accepted', { ...fields, method: 'POST', bytes: 4 }],
    [
      'debug',
      'push accepted, but all of its samples were ignored',
      { ...fields, method: 'PUT', bytes: summary.length },
    ],
  ]);
});

test('without debug they are not', async () => {
  const { log, lines } = collectingLog({});
  const url = await started({ log });
  await reply(url, { method: 'POST', body: 'c 1\n' });
  expect(lines).toEqual([]);
});
