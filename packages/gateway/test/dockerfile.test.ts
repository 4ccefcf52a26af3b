/** The Dockerfile of deploy/image: what it says of the image, rules that linters of Dockerfiles have, and what is sent to the engine. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

import { repository } from './support/programs.ts';

interface Instruction {
  readonly line: number;
  readonly name: string;
  readonly flags: readonly string[];
  readonly text: string;
}

interface Reader {
  readonly instructionsOf: (dockerfile: string) => readonly Instruction[];
  readonly configOf: (dockerfile: string, args: Record<string, string>) => Record<string, unknown>;
}

const reader = pathToFileURL(join(repository, 'deploy/image/dockerfile.mjs')).href;
const { instructionsOf, configOf } = (await import(reader)) as Reader;
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const dockerfile = read('deploy/image/Dockerfile');

const wordsOfSecrets = /TOKEN|PASSW|SECRET|CREDENTIAL|(?:^|_)KEY/i;
const inJson = new Set(['ENTRYPOINT', 'CMD', 'HEALTHCHECK', 'VOLUME']);

/** `line: what is wrong`. */
function problemsOf(text: string): readonly string[] {
  const all = instructionsOf(text);
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
  const presets = new Map(all.filter(({ name }) => name === 'ARG').map(({ text: pair }) => splitOnce(pair)));
  const stages = all.flatMap(({ name, text: image }) =>
    name === 'FROM' ? [/ AS (\w+)$/i.exec(image)?.[1]] : [],
  );
  const problems = all.flatMap((instruction) =>
    problemsOfOne(instruction, { presets, stages }).map((problem) => `${instruction.line}: ${problem}`),
  );
  const user = last.findLast(({ name }) => name === 'USER')?.text ?? '';
  if (!/^[1-9]\d*:[1-9]\d*$/.test(user))
    problems.push('the last stage needs a USER by number, which is not root');
  if (stages.length < 2) problems.push('what builds is part of the image');
  if (last.some(({ name }) => name === 'RUN'))
    problems.push('the last stage has a RUN, and may have no shell');
  if (!last.some(({ name }) => name === 'HEALTHCHECK')) problems.push('there is no HEALTHCHECK');
  return problems;
}

function problemsOfOne(
  { name, flags, text }: Instruction,
  { presets, stages }: { presets: ReadonlyMap<string, string>; stages: readonly (string | undefined)[] },
): readonly string[] {
  const problems: string[] = [];
  if (name === 'ADD') problems.push('COPY does what ADD is for here, and nothing else');
  if (name === 'MAINTAINER') problems.push('MAINTAINER is a LABEL today');
  if (name === 'FROM') {
    const image = text
      .replace(/ AS .*/i, '')
      .replace(/\$\{(\w+)\}/, (_, arg: string) => presets.get(arg) ?? '');
    if (!/:[\w.-]+(?:@sha256:[0-9a-f]{64})?$/.test(image) || image.endsWith(':latest'))
      problems.push(`${image} has no tag, or the one that moves on to anything`);
  }
  if ((name === 'ENV' || name === 'ARG') && wordsOfSecrets.test(splitOnce(text)[0]))
    problems.push('a secret would be in the image, or in its history');
  if (inJson.has(name) && !/^(?:CMD )?\["[^\]]*"\]$/.test(text))
    problems.push(`${name} goes through a shell`);
  if (name === 'WORKDIR' && !text.startsWith('/')) problems.push('WORKDIR is relative');
  if (name === 'RUN' && /\bsudo\b|curl[^&]*\|/.test(text)) problems.push('runs what nobody has seen');
  for (const flag of flags) {
    const from = /^--from=(.*)/.exec(flag)?.[1];
    if (from !== undefined && !stages.includes(from)) problems.push(`there is no stage ${from}`);
  }
  return problems;
}

function splitOnce(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

test('it breaks no rule', () => {
  expect(problemsOf(dockerfile)).toEqual([]);
});

const user = 'USER 65532:65532';
test.each([
  ['24-trixie-slim', 'latest', ':latest has no tag, or the one that moves on to anything'],
  [':24-trixie-slim', '', 'node has no tag, or the one that moves on to anything'],
  [user, '', 'the last stage needs a USER by number, which is not root'],
  [user, 'USER nonroot', 'the last stage needs a USER by number, which is not root'],
  [user, 'USER 0:0', 'the last stage needs a USER by number, which is not root'],
  ['COPY . .', 'ADD . .', 'COPY does what ADD is for here, and nothing else'],
  [
    'ENTRYPOINT ["/usr/local/bin/node", "/app/dist/main.js"]',
    'ENTRYPOINT node /app',
    'ENTRYPOINT goes through a shell',
  ],
  ['VOLUME ["/data"]', 'VOLUME /data', 'VOLUME goes through a shell'],
  ['WORKDIR /source', 'WORKDIR source', 'WORKDIR is relative'],
  ['ARG VERSION=local', 'ARG NPM_TOKEN=x', 'a secret would be in the image, or in its history'],
  ['--from=build /app', '--from=builder /app', 'there is no stage builder'],
  [user, `${user}\nRUN chmod 777 /data`, 'the last stage has a RUN, and may have no shell'],
  ['RUN npm ci', 'RUN curl https://example.org/install | sh', 'runs what nobody has seen'],
])('%j instead of %j breaks one', (text, flaw, problem) => {
  expect(dockerfile).toContain(text);
  expect(problemsOf(dockerfile.replace(text, flaw)).join('\n')).toContain(problem);
});

test('the image says how it is run', () => {
  expect(configOf(dockerfile, { VERSION: '1.2.3', COMMIT: 'abc' })).toEqual({
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'PAG_STORAGE_PATH=/data'],
    Labels: expect.objectContaining({
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.revision': 'abc',
    }),
    User: '65532:65532',
    WorkingDir: '/',
    Volumes: { '/data': {} },
    ExposedPorts: { '9091/tcp': {} },
    Entrypoint: ['/usr/local/bin/node', '/app/dist/main.js'],
    Healthcheck: {
      Test: ['CMD', '/usr/local/bin/node', '/app/dist/main.js', 'health'],
      Interval: 30e9,
      Timeout: 10e9,
      StartPeriod: 30e9,
      Retries: 3,
    },
  });
});

test('what the last stage says and build.mjs would leave out is an error', () => {
  expect(() => configOf(`${dockerfile}\nSTOPSIGNAL SIGINT\n`, { COMMIT: '' })).toThrow('STOPSIGNAL');
  expect(() => configOf(`${dockerfile}\nLABEL a="\${GONE}"\n`, { COMMIT: '' })).toThrow('GONE is not known');
});

test('Node and Debian are those of the image that build.mjs makes', () => {
  const { dependencies } = JSON.parse(read('deploy/node/package.json')) as {
    dependencies: Record<string, string>;
  };
  const [version = ''] = new Set(Object.values(dependencies));
  const [, suite = ''] = /SUITE = '(\w+)'/.exec(read('deploy/image/debian.mjs')) ?? [];
  expect(dockerfile).toContain(`/node:${version.split('.')[0]}-${suite}-slim`);
  const numbers: Record<string, string> = { bookworm: '12', trixie: '13', forky: '14' };
  expect(dockerfile).toContain(`-debian${numbers[suite]}:`);
});

/** By the last pattern that a path, or a folder that it is in, fits. */
function isIgnored(path: string): boolean {
  let ignored = false;
  for (const line of read('.dockerignore').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const pattern = line
      .replace(/^!/, '')
      .replaceAll('.', '\\.')
      .replaceAll(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(?:.*/)?'));
    if (new RegExp(`^${pattern}(?:/.*)?$`).test(path)) ignored = !line.startsWith('!');
  }
  return ignored;
}

test('an engine is sent what is built from, and nothing of the data, the history or the modules', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  }).split('\n');
  const needed = files.filter((path) =>
    /^packages\/gateway\/(?:src|scripts)\/|^packages\/[^/]+\/(?:package|tsconfig)\.json$|^deploy\/(?:command-line|image\/application)\.mjs$/.test(
      path,
    ),
  );
  expect(needed.length).toBeGreaterThan(300);
  expect(
    [...needed, '.npmrc', 'LICENSE', 'package-lock.json', 'tsconfig.base.json'].filter(isIgnored),
  ).toEqual([]);
  const left = [
    '.git/config',
    'data/1.log',
    'node_modules/x/y.js',
    'packages/gateway/node_modules/x.js',
    '.env',
  ];
  const built = [
    'build/image/index.json',
    'packages/gateway/dist/main.js',
    'packages/gateway/test/a.test.ts',
  ];
  expect([...left, ...built].filter((path) => !isIgnored(path))).toEqual([]);
});
