/**
 * The package as users install it: packed, installed into an empty folder, run, imported, required and compiled against, on each line
 * of Node. A line that cannot be had, or a checker that cannot be fetched, is skipped, and the reason is printed.
 */
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { programFolder } from '../support/clients.ts';
import { push, scrapeSamples } from '../support/http.ts';
import { nodeLines } from '../support/node-lines.ts';
import { startGateway } from '../support/process.ts';
import { repository, run } from '../support/programs.ts';
import type { RunOptions } from '../support/programs.ts';

const FETCH_MS = 300_000;
/** Of 540 kB in 462 files, 15 of them types. What goes past these has either grown a lot, or has something in it that nobody uses. */
/** The page is in it three times: plain, with gzip and with br. */
const TARBALL_BYTES_MAX = 1_100_000;
/** Beside one for each source: types, the page, texts. */
const OTHERS_MAX = 60;
const TYPES_MAX = 25;

const gateway = join(repository, 'packages/gateway');
const folder = programFolder();
const { version } = JSON.parse(readFileSync(join(gateway, 'package.json'), 'utf8')) as { version: string };

/** Not what `npm run` tells its scripts: npm would look for programs in the workspace. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

/** Resolves with what the program prints. */
async function succeed(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, { cwd: folder, env, timeoutMs: FETCH_MS, ...options });
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  return outcome.stdout;
}

/** Why npx cannot have a package, from its message; a package that fails is no reason. */
function reasonOf({ message }: Error): string {
  return (
    /E(?:AI_AGAIN|NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH|403|404|TARGET|NOTCACHED|BADPLATFORM)\b.*/.exec(
      message,
    )?.[0] ?? ''
  );
}

let tarball = '';
let paths: readonly string[] = [];
beforeAll(async () => {
  const packed = await succeed('npm', ['pack', '--json', '--pack-destination', folder], { cwd: gateway });
  const [{ files }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ files: { path: string }[] }];
  paths = files.map(({ path }) => path);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
  );
  await succeed('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]);
}, FETCH_MS);

test('the package has its code and the types that can be imported, and little else', async () => {
  const git = await run('git', ['rev-parse', 'HEAD'], { cwd: repository });
  const isCode = /^dist\/(?!page\/).*\.(?:js|d\.ts)$/;
  const ofPage = paths.filter((path) => path.startsWith('dist/page/'));
  expect(ofPage).toContain('dist/page/index.html');
  expect(ofPage.filter((path) => /\/page-[\w-]+\.js(?:\.gz|\.br)?$/.test(path))).toHaveLength(3);
  expect(paths.filter((path) => !isCode.test(path) && !ofPage.includes(path)).toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'config.schema.json',
    ...(git.code === 0 ? ['dist/build.json'] : []),
    'package.json',
  ]);
  // All that index.d.ts leads to, which is not the inside of the gateway.
  expect(paths).toContain('dist/index.d.ts');
  expect(paths.filter((path) => path.endsWith('.d.ts')).length).toBeLessThan(TYPES_MAX);
  const sources = readdirSync(join(gateway, 'src'), { recursive: true, encoding: 'utf8' });
  const others = paths.length - sources.filter((path) => path.endsWith('.ts')).length;
  expect(others).toBeLessThan(OTHERS_MAX);
  expect(statSync(tarball).size).toBeLessThan(TARBALL_BYTES_MAX);
  const installed = join(folder, 'node_modules/prom-aggregation-gateway');
  const code = paths
    .filter((path) => isCode.test(path))
    .map((path) => readFileSync(join(installed, path), 'utf8'));
  expect(code.filter((text) => text.includes('sourceMappingURL'))).toEqual([]);
});

test('nothing for development is installed along', () => {
  const installed = readdirSync(join(folder, 'node_modules'));
  for (const name of ['mitata', 'playwright-core', 'preact', 'promjs', 'protobufjs', 'typescript', 'vitest'])
    expect(installed).not.toContain(name);
});

test('packing leaves a clone as it was', () => {
  const left = [...readdirSync(gateway), ...readdirSync(join(gateway, 'dist'))];
  for (const name of ['LICENSE', 'build.json', '.npmignore']) expect(left).not.toContain(name);
});

/** Versions are pinned, so that a check that is added there fails nothing here. */
const checkers = [
  // Who imports the package from CommonJS with TypeScript's `module: node16`, which does not know that `require` loads an ES module, has
  // to use `import()`; with `nodenext` it is known.
  {
    checker: '@arethetypeswrong/cli@0.18.5',
    args: ['--no-emoji', '--ignore-rules', 'cjs-resolves-to-esm', '--'],
  },
  { checker: 'publint@0.3.25', args: ['--strict'] },
];
test.for(checkers)('$checker finds nothing', { timeout: FETCH_MS }, async ({ checker, args }, { skip }) => {
  const fetched = ['--yes', '--prefer-offline', '--package', checker, 'node', '--version'];
  const isThere = await succeed('npx', fetched).catch(leftOut(checker));
  if (isThere === undefined) skip('it cannot be fetched here');
  await succeed('npx', ['--yes', '--prefer-offline', checker, ...args, tarball]);
});

const program = `import { createServer } from 'node:http';
import { createGateway, openGateway, RequestError } from 'prom-aggregation-gateway';
import type { EmbeddedGateway, EmbeddedOptions, EmbeddedStorage, PushOutcome } from 'prom-aggregation-gateway';

const options: EmbeddedOptions = { byJob: true, limits: { seriesMax: 10 } };
const gateway: EmbeddedGateway = createGateway(options);
export const server = createServer(gateway.handler);
export const outcome: Promise<PushOutcome> = gateway.push('a 1', { path: 'job/a' });
export const code = (error: unknown): string => (error instanceof RequestError ? error.code : '');
export const opened = (storage: EmbeddedStorage): Promise<EmbeddedGateway> => openGateway({ storage });
// @ts-expect-error: where types are not found all is any, and this is no error.
createGateway({ byJob: 'yes' });
`;

test.each([
  { module: 'nodenext', resolution: 'nodenext', file: 'esm.mts' },
  { module: 'nodenext', resolution: 'nodenext', file: 'commonjs.cts' },
  { module: 'node16', resolution: 'node16', file: 'esm.mts' },
  { module: 'esnext', resolution: 'bundler', file: 'bundled.ts' },
  { module: 'preserve', resolution: 'bundler', file: 'bundled.ts' },
])('a TypeScript program is compiled: $module, $resolution, $file', async ({ module, resolution, file }) => {
  const types = join(folder, 'node_modules/@types');
  // With the types of Node that the workspace has, as a user would install them.
  linkOnce(join(repository, 'node_modules/@types'), types);
  linkOnce(join(repository, 'node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
  writeFileSync(join(folder, file), program);
  const flags = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
  ];
  const target = [
    '--target',
    'es2022',
    '--types',
    'node',
    '--module',
    module,
    '--moduleResolution',
    resolution,
  ];
  await succeed(process.execPath, [
    join(repository, 'node_modules/typescript/bin/tsc'),
    ...flags,
    ...target,
    file,
  ]);
});

function linkOnce(target: string, path: string): void {
  if (!readdirSync(dirname(path)).includes(path.slice(dirname(path).length + 1))) symlinkSync(target, path);
}

const own = Number.parseInt(process.versions.node, 10);
describe.each(nodeLines)('Node %s', (line) => {
  let node: string | undefined;
  beforeAll(async () => {
    // The npm package `node` carries the binary of each line.
    const find = ['--yes', '--prefer-offline', '--package', `node@${line}`, 'node', '-p', 'process.execPath'];
    node =
      line === own ? process.execPath : (await succeed('npx', find).catch(leftOut(`Node ${line}`)))?.trim();
  }, FETCH_MS);

  /** What is found first by `#!/usr/bin/env node`. */
  const onLine = (): NodeJS.ProcessEnv => ({ ...env, PATH: `${dirname(node!)}${delimiter}${env['PATH']}` });

  test('the command says its version and its flags', async ({ skip }) => {
    if (node === undefined) skip('the binary cannot be had here');
    const command = (flag: string): Promise<string> =>
      succeed('npx', ['--no-install', 'prom-aggregation-gateway', flag], { env: onLine() });
    const nodeVersion = await succeed(node!, ['--version']);
    expect(nodeVersion).toMatch(new RegExp(`^v${line}\\.`));
    const [, said, commit = '', saidNode] =
      /^prom-aggregation-gateway (\S+) \((?:commit (\S+), )?Node (\S+)\)\n$/.exec(
        await command('--version'),
      ) ?? [];
    expect([said, saidNode]).toEqual([version, nodeVersion.trim()]);
    const git = await run('git', ['rev-parse', 'HEAD'], { cwd: repository });
    if (git.code === 0) expect(git.stdout).toContain(commit.replace('-dirty', ''));
    expect(commit === '').toBe(git.code !== 0);
    expect(await command('--help')).toContain('--web.listen-address');
  });

  test('the command takes pushes and is scraped', async ({ skip }) => {
    if (node === undefined) skip('the binary cannot be had here');
    const command = join(folder, 'node_modules/.bin/prom-aggregation-gateway');
    const started = await startGateway([`--storage.path=${join(folder, `data-${line}`)}`], onLine(), [
      command,
    ]);
    await push(started.url, 'a_total 1');
    await push(started.url, 'a_total 2');
    expect((await scrapeSamples(started.url)).get('a_total')).toBe(3);
    expect(await started.stop()).toBe(0);
  });

  const use = `const gateway = createGateway();
    await gateway.push('a 1\\n');
    process.stdout.write(await gateway.scrape());
    await gateway.close();`;
  // Of a file with an extension: what --eval takes differs between lines.
  test.for([
    ['import.mjs', `import { createGateway } from 'prom-aggregation-gateway'; ${use}`],
    [
      'require.cjs',
      `const { createGateway } = require('prom-aggregation-gateway'); (async () => { ${use} })();`,
    ],
  ] as const)('%s loads it, without a warning', async ([file, script], { skip }) => {
    if (node === undefined) skip('the binary cannot be had here');
    writeFileSync(join(folder, file), script);
    const outcome = await run(node!, [file], { cwd: folder, env });
    expect(outcome).toEqual({ code: 0, stdout: '# TYPE a untyped\na 1\n', stderr: '' });
  });
});

/** For what cannot be fetched here: says so. All else goes on as a failure. */
function leftOut(what: string): (error: Error) => undefined {
  return (error) => {
    const reason = reasonOf(error);
    if (reason === '') throw error;
    console.log(`${what} is left out: ${reason}`);
  };
}
