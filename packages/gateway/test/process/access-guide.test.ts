/** The guide on access as it stands there, but for a browser: what the page's script fetches is sent as one would. Ring two has a real one. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';

import { readWebConfig } from '../../src/access/read-web-config.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { ask } from '../access/serving.ts';
import type { Asking } from '../access/serving.ts';
import { blocksOf, walk } from '../support/access-guide.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway, startGateway } from '../support/process.ts';
import { findProgram, run } from '../support/programs.ts';

const certificates = fileURLToPath(new URL('../access/certificates', import.meta.url));
const missing = ['openssl', 'curl'].filter((name) => findProgram(name) === undefined);

test.skipIf(missing.length > 0)(
  ['from nothing to a public gateway', ...missing.map((name) => `${name} is not installed`)].join('; '),
  async () => {
    const folder = temporaryFolder();
    const openPage = async (port: number): Promise<void> => {
      const [, script = ''] = /<script>([^]*)<\/script>/.exec(
        readFileSync(join(folder, 'page/shop.html'), 'utf8'),
      )!;
      const shown = { textContent: '' };
      const sent = async (url: string, { method, headers, body }: Asking): Promise<unknown> => {
        const { host, pathname: path } = new URL(url);
        expect(host).toBe(`localhost:${port}`);
        const from = { ...headers, Origin: 'http://localhost:8080', 'Sec-Fetch-Site': 'cross-site' };
        const { status } = await ask(port, { method: method!, path, headers: from, body: body! });
        return { ok: status === 202, status };
      };
      runInNewContext(script, { fetch: sent, document: { querySelector: () => shown } });
      await eventually('the page to say how it went', () => shown.textContent !== '');
      expect(shown.textContent).toBe('pushed');
    };
    const gateway = await walk(folder, { pagePort: 8080, openPage });
    expect(gateway.stderr()).not.toContain('pag_');
  },
);

test('its other files are valid', async () => {
  const path = join(folderOfCertificates(), 'web.yml');
  const files = ['TLS and passwords', 'Client certificates', 'Tokens']
    .flatMap(blocksOf)
    .filter(({ language, text }) => language === 'yaml' && !text.startsWith('# prometheus.yml'))
    .map(({ text }) => text);
  expect(files).toHaveLength(3);
  for (const text of files) {
    if (text.startsWith('# gateway.yaml')) expect(readRules(text).problems).toEqual([]);
    else {
      writeFileSync(path, text);
      expect(await readWebConfig(path), text).toMatchObject({ errors: [], warnings: [] });
    }
  }
});

describe.skipIf(missing.length > 0)('its other commands', () => {
  const pages = [
    {
      heading: 'TLS and passwords',
      file: 'web.yml',
      shown: '# TYPE jobs_done_total untyped\njobs_done_total 1\n',
    },
    {
      heading: 'Tokens',
      file: 'gateway.yaml',
      shown: '# TYPE web_page_views_total untyped\nweb_page_views_total{site="shop"} 1\n',
    },
  ];
  test.each(pages)('$heading', async ({ heading, file, shown }) => {
    const folder = folderOfCertificates();
    const blocks = blocksOf(heading);
    const { stdout } = await runGateway(['token', 'new']);
    const [token = '', line = ''] = stdout.split('\n');
    const text = blocks.find((each) => each.language === 'yaml' && each.text.startsWith(`# ${file}`))!.text;
    writeFileSync(join(folder, file), text.replace(/sha256: \w+/, line));
    const commands = blocks.map((each) => each.text).join('');
    const [, flag = '', name = ''] = /^npm start -- (--\S+=)(\S+)$/m.exec(commands)!;
    expect(name).toBe(file);
    const gateway = await startGateway([`${flag}${join(folder, name)}`]);
    const { port } = new URL(gateway.url);
    const [push = ''] = /^echo .* \| curl .*$/m.exec(commands)!;
    const outcome = await run('/bin/sh', ['-e', '-'], {
      input: push.replace('curl', 'curl -sS').replace('localhost:9091', `localhost:${port}`),
      cwd: folder,
      env: { ...process.env, TOKEN: token, no_proxy: '*' },
    });
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
    const plain = file === 'gateway.yaml';
    expect((await ask(Number(port), plain ? { plain } : { auth: 'ops:dave123' })).text).toBe(shown);
  });

  test('Addresses with roles', async () => {
    const { text } = blocksOf('Addresses with roles').find(({ language }) => language === 'sh')!;
    const flags = [...text.matchAll(/--\S+?='([^']*)'/g)].map(([, address = '']) => address);
    expect(flags.map((address) => address.replace(/.*:\d+/, ''))).toEqual([';push', ';scrape,read,admin']);
    const gateway = await startGateway(
      flags.map((address) => `--web.listen-address=${address.replace(/.*:\d+/, '127.0.0.1:0')}`),
    );
    const [, own = '', scraped = ''] = /127\.0\.0\.1:(\d+);push,127\.0\.0\.1:(\d+);scrape/.exec(
      gateway.stderr(),
    )!;
    const push = { plain: true, method: 'POST', path: '/metrics/job/x', body: 'a 1\n' };
    const statuses = [];
    for (const port of [own, scraped])
      for (const asking of [push, { plain: true }]) statuses.push((await ask(Number(port), asking)).status);
    expect(statuses).toEqual([202, 404, 404, 200]);
  });
});

function folderOfCertificates(): string {
  const folder = temporaryFolder();
  cpSync(certificates, folder, { recursive: true });
  // What the guide calls them where they are others.
  cpSync(join(folder, 'ca.crt'), join(folder, 'clients.crt'));
  return folder;
}
