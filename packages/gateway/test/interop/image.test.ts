/**
 * The container image: made twice, looked into, and run as whoever is careful runs it: as nobody, on a file system that nothing can write to. Where
 * Debian's packages or Node's binaries cannot be had, or no container can run, that is said.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { push, scrapeSamples } from '../support/http.ts';
import { buildDockerfile, commitOfDockerfile } from '../support/dockerfile.ts';
import { findEngine, freePort } from '../support/podman.ts';
import type { Engine } from '../support/podman.ts';
import { findProgram, repository, run } from '../support/programs.ts';
import type { Outcome } from '../support/programs.ts';

const BUILD_MS = 600_000;
vi.setConfig({ testTimeout: BUILD_MS, hookTimeout: BUILD_MS });
/** Of the files of the gateway and what it depends on, which are 5.3 MB. */
const APPLICATION_BYTES_MAX = 10_000_000;
const NODE = '/usr/local/bin/node';
const MAIN = '/app/dist/main.js';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly platform: { readonly architecture: string };
}

const folder = mkdtempSync(join(tmpdir(), 'image-'));
const { version } = JSON.parse(readFileSync(join(repository, 'packages/gateway/package.json'), 'utf8')) as {
  version: string;
};
let whyNotBuilt = '';

async function build(name: string): Promise<Outcome> {
  const script = join(repository, 'deploy/image/build.mjs');
  return run(process.execPath, [script, '--out', join(folder, name)], { timeoutMs: BUILD_MS });
}

function blob({ digest }: Descriptor): Buffer {
  return readFileSync(join(folder, 'image/blobs/sha256', digest.replace('sha256:', '')));
}

function json<T>(descriptor: Descriptor): T {
  return JSON.parse(blob(descriptor).toString()) as T;
}

/** Of the image for all platforms. */
function index(): { readonly manifests: readonly Descriptor[] } {
  const { manifests } = JSON.parse(readFileSync(join(folder, 'image/index.json'), 'utf8')) as {
    manifests: readonly Descriptor[];
  };
  return json(manifests[0]!);
}

beforeAll(async () => {
  const missing = ['apt-get', 'dpkg-deb', 'npm', 'tar'].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) whyNotBuilt = `${missing.join(', ')} not installed`;
  else {
    const { code, stderr } = await build('image');
    whyNotBuilt =
      /Could not resolve.*|Failed to fetch.*|Unable to locate.*|npm error code E(?:AI_AGAIN|NOTFOUND|404|TARGET).*/.exec(
        stderr,
      )?.[0] ?? '';
    if (code !== 0 && whyNotBuilt === '') throw new Error(stderr);
  }
  if (whyNotBuilt !== '') console.log(`the image is left out: ${whyNotBuilt}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the same commit makes the same image', async ({ skip }) => {
  if (whyNotBuilt !== '') skip(whyNotBuilt);
  expect((await build('again')).code).toBe(0);
  const text = (name: string): string => readFileSync(join(folder, name, 'index.json'), 'utf8');
  expect(text('again')).toBe(text('image'));
});

describe.each(['amd64', 'arm64'])('linux/%s', (architecture) => {
  interface Manifest {
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
  }
  const manifest = (): Manifest =>
    json(index().manifests.find(({ platform }) => platform.architecture === architecture)!);

  /** What tar says of each entry: rights, owner, size, path. */
  const list = async (tar: Buffer): Promise<readonly string[]> => {
    const listed = await run('tar', ['--list', '--verbose', '--numeric-owner', '--file=-'], { input: tar });
    return listed.stdout.split('\n').map((line) => line.replace(/(\S+ \S+) +(\d+) \S+ \S+ /, '$1 $2 '));
  };

  test('the gateway is small beside Node', ({ skip }) => {
    if (whyNotBuilt !== '') skip(whyNotBuilt);
    const sizes = manifest().layers.map((layer) => gunzipSync(blob(layer)).length);
    expect(sizes.length).toBe(3);
    const [system = 0, node = 0, application = 0] = sizes;
    console.log(`linux/${architecture}: system ${system}, Node ${node}, application ${application} bytes`);
    expect(application).toBeLessThan(APPLICATION_BYTES_MAX);
    expect(system).toBeLessThan(APPLICATION_BYTES_MAX);
  });

  test('only /data belongs to the user, and no program but Node is there', async ({ skip }) => {
    if (whyNotBuilt !== '') skip(whyNotBuilt);
    const entries = (
      await Promise.all(manifest().layers.map((layer) => list(gunzipSync(blob(layer)))))
    ).flat();
    expect(entries.filter((entry) => entry !== '' && !entry.includes(' 0/0 '))).toEqual([
      expect.stringMatching(/^drwxr-xr-x 65532\/65532 0 data\/$/),
    ]);
    expect(entries.filter((entry) => /^-..(?:s|.{3}s)/.test(entry))).toEqual([]);
    // Commands of packages are no programs that anybody could find.
    const programs = entries.filter((entry) => /^-.* (?!app\/)(?:\S*\/)?s?bin\/[^/]*$/.test(entry));
    expect(programs).toEqual([expect.stringMatching(/^-rwxr-xr-x .* usr\/local\/bin\/node$/)]);
    expect(entries.filter((entry) => entry.includes(' app/dist/page/index.html'))).toHaveLength(1);
    // Neither tests nor sources.
    expect(
      entries.filter((entry) => /\.(?:d\.)?ts$|\.map$/.test(entry) && !entry.includes('app/dist/')),
    ).toEqual([]);
  });

  test('it has every library that Node names', async ({ skip }) => {
    if (whyNotBuilt !== '') skip(whyNotBuilt);
    const readelf = findProgram('readelf');
    if (readelf === undefined) skip('readelf is not installed');
    const [system, node] = manifest().layers.map((layer) => gunzipSync(blob(layer)));
    const unpack = [
      '--extract',
      '--file=-',
      '--directory',
      folder,
      '--strip-components=3',
      'usr/local/bin/node',
    ];
    await run('tar', unpack, { input: node! });
    const looks = ['--file-header', '--dynamic', '--program-headers', join(folder, 'node')];
    const { stdout } = await run(readelf!, looks);
    expect(stdout).toContain(architecture === 'amd64' ? 'X86-64' : 'AArch64');
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = '']) => name);
    expect(needed).toContain('libstdc++.so.6');
    const entries = (await list(system!)).join('\n');
    const loader = /interpreter: \/(\S+)\]/.exec(stdout)?.[1] ?? 'none';
    expect(entries).toContain(`/${loader.split('/').at(-1)} -> `);
    for (const name of needed)
      expect(entries, name).toMatch(new RegExp(`/${name.replaceAll('+', '\\+')}(?: ->|$)`, 'm'));
  });
});

/** As `--version` says it. */
async function commitHere(): Promise<string> {
  const args = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
  const { code, stdout } = await run('git', args, { cwd: repository });
  return code === 0 ? `commit ${stdout.trim()}, ` : '';
}

let engine: Engine | string = '';
beforeAll(async () => {
  if (whyNotBuilt !== '') engine = whyNotBuilt;
  else engine = await findEngine({ cwd: folder, layout: 'image', tag: version }, ['--version']);
  if (typeof engine === 'string') console.log(`containers are left out: ${engine}`);
});
afterAll(async () => {
  if (typeof engine !== 'string') await engine.close();
});

describe.each([
  { from: 'the layout', imageOf: ({ image }: Engine) => Promise.resolve(image), commit: commitHere },
  { from: 'the Dockerfile', imageOf: buildDockerfile, commit: () => Promise.resolve(commitOfDockerfile) },
])('run, from $from', ({ from, imageOf, commit }) => {
  let image = '';
  let whyNot = '';
  beforeAll(async () => {
    const made = typeof engine === 'string' ? { why: engine } : await imageOf(engine);
    if (typeof made === 'string') image = made;
    else whyNot = made.why;
    if (whyNot !== '') console.log(`the image from ${from} is not run: ${whyNot}`);
  });
  afterAll(async () => {
    if (typeof engine === 'string') return;
    await engine.podman(['rm', '--all', '--force', '--time=0']);
    await engine.podman(['volume', 'rm', '--all', '--force']);
  });

  /** As whoever is careful: no rights, no other user, nothing to write to but the volume. */
  const careful = [
    '--read-only',
    '--read-only-tmpfs=false',
    '--cap-drop=all',
    '--security-opt=no-new-privileges',
  ];

  /** Flags before the image, then those of the gateway. */
  function runImage(flags: readonly string[], args: readonly string[]): Promise<Outcome> {
    const { podman, flags: engineFlags } = engine as Engine;
    return podman(['run', '--pull=never', ...engineFlags, ...careful, ...flags, image, ...args]);
  }

  async function start(name: string, volume: string, port: number): Promise<void> {
    const flags = ['--detach', `--name=${name}`, `--volume=${volume}:/data`];
    const started = await runImage(flags, [`--web.listen-address=127.0.0.1:${port}`]);
    expect([started.code, started.stderr]).toEqual([0, expect.anything()]);
    await isReady(name, port);
  }

  async function isReady(name: string, port: number): Promise<void> {
    const { podman } = engine as Engine;
    await eventually(
      'the gateway in the container to be ready',
      async () => {
        const ready = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
        if (ready?.status === 200) return true;
        const { stdout } = await podman(['inspect', '--format={{.State.Status}}', name]);
        if (stdout.includes('exited')) throw new Error((await podman(['logs', name])).stderr);
        return false;
      },
      BUILD_MS,
    );
  }

  /** Resolves with the exit code of the gateway. */
  async function stop(name: string): Promise<string> {
    const { podman } = engine as Engine;
    await podman(['stop', '--time=60', name]);
    return (await podman(['inspect', '--format={{.State.ExitCode}}', name])).stdout.trim();
  }

  test('what is pushed outlives a restart, and another container', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const { podman } = engine as Engine;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await start('first', 'outlives', port);
    await push(url, 'jobs_total 1');
    await push(url, 'jobs_total 2');
    expect(await stop('first')).toBe('0');
    expect((await podman(['logs', 'first'])).stderr).toContain('msg=stopped');

    await podman(['start', 'first']);
    await isReady('first', port);
    await push(url, 'jobs_total 4');
    expect(await stop('first')).toBe('0');

    await start('second', 'outlives', port);
    expect((await scrapeSamples(url)).get('jobs_total')).toBe(7);
    expect(await stop('second')).toBe('0');
  });

  test('it is process 1, of nobody, and can write to /data alone', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const { podman } = engine as Engine;
    const port = await freePort();
    await start('nobody', 'nobody', port);
    const script = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const write = (path) => { try { writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
      const status = readFileSync('/proc/1/status', 'utf8');
      process.stdout.write(JSON.stringify({
        first: readFileSync('/proc/1/cmdline', 'utf8').split('\\0').slice(0, 2),
        uid: /Uid:\\s(\\d+)/.exec(status)[1], gid: /Gid:\\s(\\d+)/.exec(status)[1],
        rights: /CapEff:\\s(\\d+)/.exec(status)[1],
        writes: ['/x', '/app/x', '/app/dist/main.js', '/etc/passwd', '/tmp/x', '/usr/local/bin/node', '/data/x'].map(write),
      }))`;
    const seen = await podman(['exec', 'nobody', NODE, '-e', script]);
    expect(JSON.parse(seen.stdout)).toEqual({
      first: [NODE, MAIN],
      uid: '65532',
      gid: '65532',
      rights: '0000000000000000',
      writes: ['EROFS', 'EROFS', 'EROFS', 'EROFS', 'EROFS', 'EROFS', 'written'],
    });
  });

  test('its health check finds where it listens, and fails where nothing does', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const { podman } = engine as Engine;
    const port = await freePort();
    await start('checked', 'checked', port);
    const config = json<{ config: { Healthcheck: { Test: readonly string[] } } }>(
      json<{ config: Descriptor }>(index().manifests[0]!).config,
    );
    const [kind, ...check] = config.config.Healthcheck.Test;
    expect(kind).toBe('CMD');
    const healthy = await podman(['exec', 'checked', ...check]);
    expect([healthy.code, healthy.stdout.trim()]).toEqual([0, `127.0.0.1:${port}: healthy`]);
    const other = await podman([
      'exec',
      'checked',
      ...check,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
    ]);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('connection refused')]);
  });

  test('a second container on the same volume says so, and ends', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    await start('holder', 'shared', await freePort());
    const second = await runImage(
      ['--rm', '--volume=shared:/data'],
      [`--web.listen-address=127.0.0.1:${await freePort()}`],
    );
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/\/data.*(?:in use|used by)/);
  });

  test('a folder of somebody else, mounted as the volume, is named', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const mine = mkdtempSync(join(tmpdir(), 'image-volume-'));
    onTestFinished(() => rmSync(mine, { recursive: true, force: true }));
    chmodSync(mine, 0o755);
    const outcome = await runImage(
      ['--rm', `--volume=${mine}:/data`],
      [`--web.listen-address=127.0.0.1:${await freePort()}`],
    );
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/\/data.*permission denied/i);
  });

  test('a configuration file that is not there is named', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const outcome = await runImage(['--rm'], ['--config.file=/etc/gone.yaml']);
    expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining('/etc/gone.yaml')]);
  });

  test('what follows the image are flags, and commands', async ({ skip }) => {
    if (whyNot !== '') skip(whyNot);
    const wrong = await runImage(['--rm'], ['--by-jobs']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean --by-job?')]);
    const said = await runImage(['--rm'], ['--version']);
    expect(said.stdout).toContain(`prom-aggregation-gateway ${version} (${await commit()}Node v`);
    const inspect = await runImage(['--rm'], ['storage', 'inspect']);
    expect([inspect.code, inspect.stdout]).toEqual([0, expect.stringContaining('/data')]);
  });
});
