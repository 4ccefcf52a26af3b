/**
 * The programs in `interop/clients`. Those that docs/reference/formats.md shows speak to localhost:9091, as its readers would
 * write them; the others take what they need as arguments.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect } from 'vitest';

import { program, repository, run } from './programs.ts';

const folder = join(repository, 'packages/gateway/test/interop/clients');

export function clientPath(name: string): string {
  return join(folder, name);
}

/** The text of a client, with the address of a gateway in place of the documented one. */
export function clientText(name: string, url: string): string {
  const { host, hostname, port } = new URL(url);
  return readFileSync(clientPath(name), 'utf8')
    .replaceAll('localhost:9091', host)
    .replaceAll('"localhost", "9091"', `"${hostname}", "${port}"`);
}

/** A place for compiled programs. Call it outside of tests: it is removed when all of the file have run. */
export function programFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gateway-clients-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Resolves with the path of the program. */
export async function compileGo(source: string, into: string): Promise<string> {
  const go = program('go', 'golang-go');
  const path = '/usr/share/gocode';
  needFile(`${path}/src/github.com/prometheus/client_golang`, 'golang-github-prometheus-client-golang-dev');
  // Debian's sources stand in a GOPATH, without modules.
  const env = { ...process.env, GOPATH: path, GO111MODULE: 'off', GOFLAGS: '' };
  return compile(go, (out) => ['build', '-o', out, source], { source, into, env });
}

/** Resolves with the path of the program. */
export async function compileCpp(source: string, into: string): Promise<string> {
  const compiler = program('g++', 'g++');
  needFile('/usr/include/prometheus/gateway.h', 'prometheus-cpp-dev');
  const libraries = ['-lprometheus-cpp-push', '-lprometheus-cpp-core'];
  return compile(compiler, (out) => ['-std=c++17', '-o', out, source, ...libraries], { source, into });
}

async function compile(
  compiler: string,
  argumentsFor: (out: string) => readonly string[],
  { source, into, env }: { source: string; into: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  const out = join(into, basename(source).replace('.', '-'));
  const outcome = await run(compiler, argumentsFor(out), { timeoutMs: 100_000, ...(env && { env }) });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return out;
}

/** Debian's Python, since another one would not have Debian's packages, with the modules that these packages bring. */
export async function debianPython(modules: Readonly<Record<string, string>>): Promise<string> {
  const path = program('python3', 'python3');
  const python = path.startsWith('/usr/bin/') ? path : '/usr/bin/python3';
  for (const [module, debianPackage] of Object.entries(modules)) {
    const known = await run(python, ['-c', `import ${module}`]);
    if (known.code !== 0) throw new Error(`${module} is not installed: apt-get install ${debianPackage}`);
  }
  return python;
}

function needFile(path: string, debianPackage: string): void {
  if (!existsSync(path)) throw new Error(`${path} is missing: apt-get install ${debianPackage}`);
}
