/** The admin API of the real process: off unless it is asked for, and what it deletes stays deleted after a kill. */
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { push, scrape } from '../support/http.ts';
import { runGateway, startGateway } from '../support/process.ts';

const requests = [
  ['POST', '/api/v1/admin/tsdb/delete_series?match[]=a'],
  ['DELETE', '/api/v1/sources?match[]={job="x"}'],
  ['PUT', '/api/v1/admin/wipe'],
] as const;

async function ask(url: string, method: string, path: string): Promise<readonly [number, string]> {
  const reply = await fetch(url + path.replaceAll(/[{}"]/g, encodeURIComponent), { method });
  return [reply.status, await reply.text()];
}

test('without its flag each request is answered 403, which names the flag', async () => {
  const { url } = await startGateway();
  await push(url, 'a 1');
  for (const [method, path] of requests) {
    const [status, text] = await ask(url, method, path);
    expect(status).toBe(403);
    expect(text).toContain('--web.enable-admin-api');
  }
  expect(await scrape(url)).toBe('# TYPE a untyped\na 1\n');
});

test('the variable of the environment enables it as well', async () => {
  const { url } = await startGateway([], { PAG_WEB_ENABLE_ADMIN_API: 'true' });
  expect(await ask(url, 'PUT', '/api/v1/admin/wipe')).toEqual([202, '0 series and 0 sources deleted\n']);
});

test('what was deleted is gone after a kill, and was logged with who asked', async () => {
  const folder = temporaryFolder();
  const flags = ['--web.enable-admin-api', '--by-job', `--storage.path=${folder}`];
  const gateway = await startGateway(flags);
  const { url } = gateway;
  for (const job of ['a', 'b', 'c'])
    await push(url, `# TYPE c counter\nc{l="${job}"} 1\n# TYPE g gauge\ng 1`, { path: `job/${job}` });
  const series = '/api/v1/admin/tsdb/delete_series?match[]=c{l="a"}';
  expect(await ask(url, 'POST', `${series}&dry_run=true`)).toEqual([
    200,
    `${JSON.stringify({ series: 1, first_series: ['c{l="a"}'] })}\n`,
  ]);
  expect(await ask(url, 'POST', series)).toEqual([204, '']);
  expect(await ask(url, 'DELETE', '/api/v1/sources?match[]={job=~"b|c"}')).toEqual([
    202,
    '2 sources deleted\n',
  ]);
  for (const wrong of ['&start=0', '&match[]=up{', '&dryrun=1'])
    expect((await ask(url, 'POST', series + wrong))[0]).toBe(400);
  expect((await ask(url, 'POST', '/api/v1/admin/tsdb/delete_series'))[0]).toBe(400);
  expect(gateway.stderr()).toMatch(
    /level=info .*msg="deleted by an admin request" what=series match="c\{l=\\"a\\"\}" series=1 sources=0 remote=127\.0\.0\.1/,
  );
  const expected = '# TYPE c counter\nc{l="b"} 1\nc{l="c"} 1\n# TYPE g gauge\ng 1\n';
  expect(await scrape(url)).toBe(expected);
  await gateway.stop('SIGKILL');
  const again = await startGateway(flags);
  expect(await scrape(again.url)).toBe(expected);
  expect(await ask(again.url, 'PUT', '/api/v1/admin/wipe')).toEqual([202, '3 series and 1 source deleted\n']);
  expect(await scrape(again.url)).toBe('');
});

test('the flag is no longer one of another gateway', async () => {
  expect(await runGateway(['--web.enable-admin-api', '--help'])).toMatchObject({ code: 0 });
});
