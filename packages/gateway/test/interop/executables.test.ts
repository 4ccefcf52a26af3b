/**
 * The single executables: made twice, inspected, and that of this machine taken through the README without any Node beside it. Where Node's binaries cannot be had, that
 * is said.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import bcrypt from 'bcryptjs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { startGateway } from '../support/process.ts';
import { findProgram, program, repository, run } from '../support/programs.ts';
import type { Outcome } from '../support/programs.ts';

const BUILD_MS = 600_000;
vi.setConfig({ testTimeout: BUILD_MS, hookTimeout: BUILD_MS });
const NAME = 'prom-aggregation-gateway';

const folder = mkdtempSync(join(tmpdir(), 'executables-'));
const { version } = JSON.parse(readFileSync(join(repository, 'packages/gateway/package.json'), 'utf8')) as {
  version: string;
};
let whyNotBuilt = '';

async function build(name: string): Promise<Outcome> {
  const script = join(repository, 'deploy/executables/build.mjs');
  return run(process.execPath, [script, '--out', join(folder, name)], { timeoutMs: BUILD_MS });
}

/** Of one architecture, as users unpack it. */
function executable(architecture: string): string {
  return join(folder, `${NAME}-${version}-linux-${architecture}`, NAME);
}

beforeAll(async () => {
  const missing = ['npm', 'tar'].filter((name) => findProgram(name) === undefined);
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    whyNotBuilt = `they are made on Linux, x64 or arm64, and this is ${process.platform}-${process.arch}`;
  else if (missing.length > 0) whyNotBuilt = `${missing.join(', ')} not installed`;
  else {
    const { code, stderr } = await build('out');
    whyNotBuilt = /npm error code E(?:AI_AGAIN|NOTFOUND|404|TARGET).*/.exec(stderr)?.[0] ?? '';
    if (code !== 0 && whyNotBuilt === '') throw new Error(stderr);
  }
  if (whyNotBuilt !== '') console.log(`single executables are left out: ${whyNotBuilt}`);
  else
    for (const name of archives())
      await run('tar', ['--extract', '--file', join(folder, 'out', name), '--directory', folder]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function archives(): readonly string[] {
  return readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.tar.gz'));
}

test('the sums are those of the archives, and the same commit makes the same', async ({ skip }) => {
  if (whyNotBuilt !== '') skip(whyNotBuilt);
  const sums = readFileSync(join(folder, 'out/SHA256SUMS'), 'utf8');
  const expected = ['x64', 'arm64'].map((architecture) => {
    const name = `${NAME}-${version}-linux-${architecture}.tar.gz`;
    const sum = createHash('sha256').update(readFileSync(join(folder, 'out', name)));
    return `${sum.digest('hex')}  ${name}\n`;
  });
  expect(sums).toBe(expected.join(''));
  expect((await build('again')).code).toBe(0);
  expect(readFileSync(join(folder, 'again/SHA256SUMS'), 'utf8')).toBe(sums);
});

test.for([
  { architecture: 'x64', machine: 62 },
  { architecture: 'arm64', machine: 183 },
])(
  '$architecture: a program with the gateway in it, and its licenses',
  ({ architecture, machine }, { skip }) => {
    if (whyNotBuilt !== '') skip(whyNotBuilt);
    const bytes = readFileSync(executable(architecture));
    // As in elf(5): the magic number, 64 bits, and the kind of processor.
    expect(bytes.subarray(0, 5)).toEqual(Buffer.from('\x7fELF\x02', 'latin1'));
    expect(bytes.readUInt16LE(18)).toBe(machine);
    const fuse = (binary: Buffer): string =>
      /NODE_SEA_FUSE_[0-9a-f]{32}:\d/
        .exec(binary.toString('latin1', binary.indexOf('NODE_SEA_FUSE_')).slice(0, 80))?.[0]
        .at(-1) ?? '';
    const node = readFileSync(
      join(repository, `build/node/node_modules/node-linux-${architecture}/bin/node`),
    );
    expect([fuse(node), fuse(bytes)]).toEqual(['0', '1']);
    const line = `${NAME} aggregates pushed metrics for Prometheus to scrape.`;
    expect([node.includes(line), bytes.includes(line)]).toEqual([false, true]);
    const beside = join(folder, `${NAME}-${version}-linux-${architecture}`);
    expect(readdirSync(beside).toSorted()).toEqual(['LICENSE', 'LICENSE-dependencies', 'LICENSE-node', NAME]);
    const licenses = readFileSync(join(beside, 'LICENSE-dependencies'), 'utf8');
    const { dependencies } = JSON.parse(
      readFileSync(join(repository, 'packages/gateway/package.json'), 'utf8'),
    ) as { dependencies: Record<string, string> };
    for (const name of Object.keys(dependencies)) expect(licenses).toMatch(new RegExp(`^${name} \\d`, 'm'));
  },
);

/** No Node to be found, and nothing of this process. */
const env = { PATH: '/nowhere' };

test('it says its version, its commit and its Node', async ({ skip }) => {
  if (whyNotBuilt !== '') skip(whyNotBuilt);
  const { code, stdout, stderr } = await run(executable(process.arch), ['--version'], { env });
  expect([code, stderr]).toEqual([0, '']);
  const [, said, commit = '', node] =
    /^prom-aggregation-gateway (\S+) \((?:commit (\S+), )?Node v(\S+)\)\n$/.exec(stdout) ?? [];
  const { dependencies } = JSON.parse(readFileSync(join(repository, 'deploy/node/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect([said, node]).toEqual([version, Object.values(dependencies)[0]]);
  const git = await run('git', ['rev-parse', 'HEAD'], { cwd: repository });
  expect(git.stdout).toContain(commit.replace('-dirty', ''));
  expect(commit === '').toBe(git.code !== 0);
});

test('it does what the README says, and has it after a restart', async ({ skip }) => {
  if (whyNotBuilt !== '') skip(whyNotBuilt);
  program('curl', 'curl');
  const readme = readFileSync(join(repository, 'README.md'), 'utf8').split('## Which mode')[0]!;
  const commands = [...readme.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, text = '']) => text);
  const pushes = commands.find((text) => text.includes('curl'))!;
  const [, shown = ''] = /^```text\n([^]*?)^```/m.exec(readme)!;
  const flags = [`--storage.path=${join(temporaryFolder(), 'data')}`];
  const command = [executable(process.arch)] as const;
  const first = await startGateway(flags, env, command);
  const at = (text: string, url: string): string => text.replaceAll('http://localhost:9091', url);
  const outcome = await run('bash', ['-euc', at(pushes, first.url).replaceAll('curl ', 'curl --silent ')]);
  expect(outcome).toEqual({ code: 0, stdout: shown, stderr: '' });
  expect(await first.stop()).toBe(0);
  const second = await startGateway(flags, env, command);
  expect(await (await fetch(`${second.url}/metrics`)).text()).toBe(shown);
  const health = ['health', `--web.listen-address=${new URL(second.url).host}`];
  expect((await run(executable(process.arch), health, { env })).code).toBe(0);
  expect(await second.stop()).toBe(0);
  const exported = ['storage', 'export', ...flags];
  expect((await run(executable(process.arch), exported, { env })).stdout).toBe(shown);
});

test('what it has in threads and of dependencies works', async ({ skip }) => {
  if (whyNotBuilt !== '') skip(whyNotBuilt);
  const files = temporaryFolder();
  const write = (name: string, text: string): string => {
    writeFileSync(join(files, name), text);
    return join(files, name);
  };
  const web = write('web.yml', `basic_auth_users: {shop: '${bcrypt.hashSync('right', 4)}'}\n`);
  const rules = write('gateway.yaml', `metrics: [{match: '{__name__=~"jobs_.+"}', gauge: max}]\n`);
  const flags = [`--web.config.file=${web}`, `--config.file=${rules}`, '--log.format=json'];
  const gateway = await startGateway(flags, env, [executable(process.arch)]);
  const send = (password: string, value: number): Promise<Response> =>
    fetch(`${gateway.url}/metrics/`, {
      method: 'POST',
      body: `# TYPE jobs_last gauge\njobs_last ${value}\n`,
      headers: { authorization: `Basic ${Buffer.from(`shop:${password}`).toString('base64')}` },
    });
  expect((await send('wrong', 9)).status).toBe(401);
  expect((await send('right', 3)).status).toBe(202);
  expect((await send('right', 2)).status).toBe(202);
  const headers = { authorization: `Basic ${Buffer.from('shop:right').toString('base64')}` };
  expect(await (await fetch(`${gateway.url}/metrics`, { headers })).text()).toBe(
    '# TYPE jobs_last gauge\njobs_last 3\n',
  );
  const page = await (await fetch(gateway.url, { headers: { accept: 'text/html' } })).text();
  const [script] = /-\/page\/page-[\w-]+\.js/.exec(page) ?? [];
  expect((await fetch(`${gateway.url}/${script}`)).headers.get('content-type')).toContain('javascript');
  expect(await gateway.stop()).toBe(0);
});
