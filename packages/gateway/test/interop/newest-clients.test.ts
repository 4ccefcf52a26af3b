/**
 * The newest clients of Go, Java, Rust and Python, as their registries have them today. Where a language or its registry is not there,
 * the tests of that language are skipped, and the reason is printed; what Debian ships is tested beside this in any case.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { clientPath, programFolder } from '../support/clients.ts';
import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { findProgram, run } from '../support/programs.ts';
import type { Outcome, RunOptions } from '../support/programs.ts';

const BUILD_MS = 400_000;
const folder = programFolder();

/** Pushes with these arguments after the address. */
type Pusher = (address: string, args: readonly string[]) => Promise<Outcome>;

interface Language {
  readonly name: string;
  /** What it takes: programs on the path. */
  readonly programs: readonly string[];
  /** Rejects with what is missing. */
  readonly build: (into: string) => Promise<Pusher>;
  /** Pushes of one process each, by the words of its program. */
  readonly pushes: readonly (readonly string[])[];
  /** Replaced, added to, and taken back by job; empty where the client cannot. */
  readonly byJob: readonly (readonly string[])[];
}

const languages: readonly Language[] = [
  {
    name: 'Go',
    programs: ['go'],
    build: buildGo,
    pushes: [
      ['early', 'push'],
      ['late', 'add'],
    ],
    byJob: [
      ['early', 'push', 'push', 'add'],
      ['early', 'delete'],
    ],
  },
  {
    name: 'Java',
    programs: ['java', 'javac', 'mvn'],
    build: buildJava,
    pushes: [
      ['PROMETHEUS_TEXT', 'push'],
      ['PROMETHEUS_PROTOBUF', 'add'],
    ],
    byJob: [
      ['PROMETHEUS_PROTOBUF', 'push', 'push', 'add'],
      ['PROMETHEUS_TEXT', 'delete'],
    ],
  },
  {
    name: 'Rust',
    programs: ['cargo'],
    build: buildRust,
    pushes: [
      ['prometheus', 'POST'],
      ['prometheus-client', 'PUT'],
    ],
    byJob: [['prometheus', 'PUT'], []],
  },
  {
    name: 'Python',
    programs: ['python3'],
    build: buildPython,
    pushes: [['push'], ['add']],
    byJob: [['push', 'push', 'add'], ['delete']],
  },
];

describe.each(languages)('$name', ({ name, programs, build, pushes, byJob }) => {
  let push: Pusher | undefined;
  let reason = '';
  beforeAll(async () => {
    const absent = programs.filter((program) => findProgram(program) === undefined);
    if (absent.length > 0) reason = `${absent.join(' and ')} not installed`;
    else {
      const into = join(folder, name);
      mkdirSync(into);
      push = await build(into).catch((error: Error) => {
        // A client that there is and that cannot be built is a failure; one that cannot be fetched is not.
        if (!isUnreachable(error.message)) throw error;
        reason = `its registry is not reached: ${error.message.slice(0, 300)}`;
        return undefined;
      });
    }
    if (push === undefined) console.log(`the newest client of ${name} is left out: ${reason}`);
  }, BUILD_MS);

  const run = async (url: string, args: readonly string[]): Promise<void> => {
    const outcome = await push!(new URL(url).host, args);
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  };

  test('two processes add up', async ({ skip }) => {
    if (push === undefined) skip(reason);
    const { url } = await startGateway();
    for (const args of pushes) await run(url, args);
    const page = await scrapeSamples(url);
    expect(byName(page, 'files_total')).toEqual([6]);
    expect(byName(page, 'files_left')).toEqual([8]);
    expect(byName(page, 'read_seconds_count')).toEqual([6]);
    expect(byName(page, 'read_seconds_sum')).toEqual([20]);
    expect(byName(page, 'read_seconds_bucket')).toEqual([2, 4, 4, 6]);
    expect([...page.keys()].find((series) => series.startsWith('files_total'))).toBe(
      'files_total{kind="te\\"xt\\\\"}',
    );
  });

  test('by job, the newest push counts, and a delete takes the gauges', async ({ skip }) => {
    if (push === undefined) skip(reason);
    const { url } = await startGateway(['--by-job']);
    const [replaced = [], deleted = []] = byJob;
    await run(url, replaced);
    const page = await scrapeSamples(url);
    expect(byName(page, 'files_total')).toEqual([3]);
    expect(byName(page, 'files_left')).toEqual([4]);
    if (deleted.length === 0) return;
    await run(url, deleted);
    const after = await scrapeSamples(url);
    expect(byName(after, 'files_left')).toEqual([]);
    expect(byName(after, 'files_total')).toEqual([3]);
  });
});

/** Values in the order of the page. */
function byName(page: ReadonlyMap<string, number>, name: string): number[] {
  return [...page].filter(([series]) => series.replace(/\{.*/, '') === name).map(([, value]) => value);
}

function newest(name: string): string {
  return clientPath(join('newest', name));
}

async function succeed(path: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { code, stdout, stderr } = await run(path, args, { timeoutMs: BUILD_MS, ...options });
  if (code !== 0) throw new Error(`${path} ${args.join(' ')}: ${stderr}${stdout}`);
}

function isUnreachable(message: string): boolean {
  return /dial tcp|no such host|could not resolve|connection (?:refused|timed out|reset)|network is unreachable|temporary failure in name resolution|unknown host|max retries|i\/o timeout/i.test(
    message,
  );
}

async function buildGo(into: string): Promise<Pusher> {
  const go = findProgram('go')!;
  copyFileSync(clientPath('every_type.go'), join(into, 'main.go'));
  const options = { cwd: into, env: { ...process.env, GO111MODULE: 'on', GOFLAGS: '-mod=mod' } };
  await succeed(go, ['mod', 'init', 'pushes'], options);
  await succeed(go, ['get', 'github.com/prometheus/client_golang/prometheus@latest'], options);
  await succeed(go, ['build', '-o', 'pushes', '.'], options);
  return (address, args) => run(join(into, 'pushes'), [`http://${address}`, ...args]);
}

async function buildJava(into: string): Promise<Pusher> {
  copyFileSync(newest('pom.xml'), join(into, 'pom.xml'));
  const classes = join(into, 'class-path');
  await succeed(
    findProgram('mvn')!,
    ['-q', '-B', '-U', 'dependency:build-classpath', `-Dmdep.outputFile=${classes}`],
    { cwd: into },
  );
  const classPath = readFileSync(classes, 'utf8').trim();
  await succeed(findProgram('javac')!, ['-cp', classPath, '-d', into, newest('Push.java')]);
  return (address, args) =>
    run(findProgram('java')!, ['-cp', `${classPath}:${into}`, 'Push', address, ...args]);
}

async function buildRust(into: string): Promise<Pusher> {
  for (const name of ['Cargo.toml', 'push.rs']) copyFileSync(newest(name), join(into, name));
  await succeed(findProgram('cargo')!, ['build', '--quiet'], { cwd: into });
  return (address, args) => run(join(into, 'target/debug/pushes'), [address, ...args]);
}

async function buildPython(into: string): Promise<Pusher> {
  await succeed(findProgram('python3')!, ['-m', 'venv', into]);
  const python = join(into, 'bin/python');
  if (!existsSync(python)) throw new Error(`no ${python}`);
  await succeed(python, [
    '-m',
    'pip',
    '--quiet',
    '--disable-pip-version-check',
    'install',
    'prometheus-client',
  ]);
  return (address, args) => run(python, [newest('push.py'), address, ...args]);
}
