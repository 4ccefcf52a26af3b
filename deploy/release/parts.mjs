// The parts of a release. Each puts files into a folder of its own, or says why it cannot be made.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { notesOf } from './changelog.mjs';
import { publishedPackages } from './checks.mjs';
import { reproducible, sbomOf } from './sbom.mjs';

const CHART = 'deploy/helm/prom-aggregation-gateway';

/**
 * @typedef {object} Context
 * @property {string} root of the repository
 * @property {string} folder where the files of the part go
 * @property {string} version
 */

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {(context: Context) => string | undefined} make returns why the part is left out
 */

/** @type {readonly Part[]} */
export const parts = [
  { name: 'npm packages', make: npmPackages },
  { name: 'container image', make: containerImage },
  { name: 'single executables', make: executables },
  { name: 'Helm chart', make: helmChart },
  { name: 'files for monitoring', make: archive('monitoring', ['monitoring']) },
  {
    name: 'files for Kubernetes, Compose and systemd',
    make: archive('deploy', [
      'deploy/README.md',
      'deploy/kubernetes',
      'deploy/compose.yaml',
      'deploy/compose',
      'deploy/systemd',
    ]),
  },
  { name: 'SBOM', make: sboms },
  { name: 'release notes', make: releaseNotes },
];

function npmPackages({ root, folder }) {
  for (const { folder: workspace } of publishedPackages(root)) {
    run('npm', ['pack', '--silent', '--pack-destination', folder, '-w', workspace], root);
  }
  return undefined;
}

/** The script makes a layout of folders, which goes along as one file: `skopeo copy oci-archive:…` takes it. */
function containerImage({ root, folder, version }) {
  const layout = join(folder, 'layout');
  const leftOut = runScript(root, 'deploy/image/build.mjs', layout);
  if (leftOut !== undefined) return leftOut;
  const path = join(folder, `prom-aggregation-gateway-${version}-image.oci.tar`);
  run('tar', [...tarOptions(root), '-cf', path, '-C', layout, '.'], root);
  return undefined;
}

function executables({ root, folder }) {
  return runScript(root, 'deploy/executables/build.mjs', folder);
}

/** What npm, apt and others say where nothing can be fetched. */
const unreachable =
  /.*(?:EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|Temporary failure resolving|Could not resolve|Failed to fetch).*/;

/**
 * Returns why a part is left out: the script is not there, or exits with 3 and says last what this machine lacks, or cannot fetch what it
 * needs.
 */
function runScript(root, script, out) {
  if (!existsSync(join(root, script))) return `${script} is not there`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--out', out], {
    cwd: root,
    encoding: 'utf8',
  });
  const lines = `${stdout}${stderr}`.trimEnd();
  if (status === 3) return lines.slice(lines.lastIndexOf('\n') + 1);
  const unreached = status === 0 ? undefined : unreachable.exec(lines)?.[0];
  if (unreached !== undefined) return `what it is made of cannot be fetched here: ${unreached.trim()}`;
  if (status !== 0) throw new Error(`${script} exited with ${status}:\n${lines}`);
  return undefined;
}

/**
 * Where there is no Helm the archive is made as Helm makes it: a folder with the chart's name, compressed. Named as Helm does, it would be
 * taken for the npm package.
 */
function helmChart({ root, folder, version }) {
  if (!existsSync(join(root, CHART, 'Chart.yaml'))) return `${CHART} is not there`;
  const path = join(folder, `prom-aggregation-gateway-${version}.chart.tgz`);
  if (spawnSync('helm', ['version'], { stdio: 'ignore' }).status === 0) {
    run(
      'helm',
      ['package', CHART, '--version', version, '--app-version', version, '--destination', folder],
      root,
    );
    renameSync(join(folder, `prom-aggregation-gateway-${version}.tgz`), path);
  } else {
    tarball(root, path, 'deploy/helm', ['prom-aggregation-gateway']);
  }
  return undefined;
}

function archive(what, paths) {
  return ({ root, folder, version }) => {
    const there = paths.filter((path) => existsSync(join(root, path)));
    if (there.length === 0) return `${paths.join(', ')}: none of it is there`;
    tarball(root, join(folder, `prom-aggregation-gateway-${version}-${what}.tar.gz`), '.', [
      ...there,
      'LICENSE',
    ]);
    return undefined;
  };
}

/** Workspaces that are built into a package. */
const builtInto = { 'packages/gateway': ['packages/ui'] };

function sboms({ root, folder, version }) {
  const manifestOf = (workspace) => JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
  for (const { folder: workspace, name } of publishedPackages(root)) {
    const others = builtInto[workspace] ?? [];
    const which = [workspace, ...others].flatMap((each) => ['-w', each]);
    const everything = JSON.parse(run('npm', ['sbom', '--sbom-format', 'cyclonedx', ...which], root));
    const builtIn = Object.assign({}, ...others.map((each) => manifestOf(each).dependencies));
    const bom = reproducible(sbomOf(everything, manifestOf(workspace), builtIn), commitSeconds(root));
    const file = `${fileName(name)}-${version}.cdx.json`;
    writeFileSync(join(folder, file), `${JSON.stringify(bom, null, 2)}\n`);
  }
  return undefined;
}

/** As npm names the file of a package. */
function fileName(name) {
  return name.replace(/^@/, '').replace('/', '-');
}

function releaseNotes({ root, folder, version }) {
  const { repositoryUrl } = publishedPackages(root).find((each) => each.folder === 'packages/gateway');
  const notes = notesOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version, repositoryUrl);
  writeFileSync(join(folder, 'RELEASE-NOTES.md'), notes);
  return undefined;
}

function tarball(root, path, from, entries) {
  run('tar', [...tarOptions(root), '-czf', path, '-C', from, ...entries], root);
}

/** The same files give the same bytes: sorted, of nobody, and of the time of the commit. */
function tarOptions(root) {
  return [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
    `--mtime=@${commitSeconds(root)}`,
  ];
}

function commitSeconds(root) {
  return Number(run('git', ['log', '-1', '--format=%ct'], root));
}

function run(program, args, cwd) {
  // `npm run` tells its scripts which workspace they are of; the programs that are run here have their own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
