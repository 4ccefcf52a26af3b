// Makes the container image, for amd64 and arm64, as an OCI layout; without an engine and without a base image. Needs Debian's
// apt-get, dpkg-deb and tar, and npm. The same commit gives the same digest while Debian's packages are the same.
//
//   node deploy/image/build.mjs --out FOLDER
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { outFolder } from '../command-line.mjs';
import { nodePackages } from '../node/binaries.mjs';
import { commit, description, madeAt, repository, root, version } from '../source.mjs';
import { makeApplication } from './application.mjs';
import { unpackLibraries } from './debian.mjs';
import { configOf } from './dockerfile.mjs';
import { layerOf, Layout } from './layout.mjs';

/** What each is called in images and by Debian, and by Node. */
const platforms = [
  { architecture: 'amd64', ofNode: 'x64' },
  { architecture: 'arm64', ofNode: 'arm64' },
];
const USER = 65_532;

const out = outFolder('deploy/image/build.mjs', ['apt-get', 'dpkg-deb', 'find', 'npm', 'tar']);
const temporary = mkdtempSync(join(tmpdir(), 'image-'));
try {
  build(new Layout(out));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

function build(layout) {
  const node = nodePackages();
  const application = join(temporary, 'application');
  makeApplication(join(application, 'app'));
  const applicationLayer = {
    ...layerOf(application, { madeAt }),
    note: `prom-aggregation-gateway ${version}, with its production dependencies`,
  };
  const annotations = annotationsOf();
  const config = configOf(readFileSync(join(root, 'deploy/image/Dockerfile'), 'utf8'), {
    VERSION: version,
    COMMIT: commit,
  });
  Object.assign(config.Labels, annotations);
  const manifests = platforms.map(({ architecture, ofNode }) => {
    const layers = [
      systemLayer(architecture),
      nodeLayer(architecture, node.folderOf(ofNode), node.version),
      applicationLayer,
    ];
    const { manifest, compressed } = layout.addImage({ layers, config, architecture, madeAt, annotations });
    print(`linux/${architecture}  ${manifest.digest}`);
    for (const [i, { tar, note }] of layers.entries())
      print(`  ${mb(tar.length)} MB, ${mb(compressed[i].size)} MB compressed: ${note}`);
    return manifest;
  });
  const tags = tagsOf(version);
  print(`${tags.join(', ')}  ${layout.close(manifests, { tags, annotations })}`);
}

/** Libraries, the user, and folders that are to be mounted over. */
function systemLayer(architecture) {
  const folder = join(temporary, `system-${architecture}`);
  const versions = unpackLibraries(architecture, folder);
  mkdirSync(join(folder, 'etc'), { recursive: true });
  for (const name of ['data', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(folder, name));
  const write = (path, text) => writeFileSync(join(folder, path), text);
  write(
    'etc/passwd',
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER}:${USER}:nonroot:/data:/sbin/nologin\n`,
  );
  write('etc/group', `root:x:0:\nnonroot:x:${USER}:\n`);
  write('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  return {
    ...layerOf(folder, { madeAt, owned: ['data'], owner: USER }),
    note: `Debian: ${versions.join(', ')}`,
  };
}

function nodeLayer(architecture, from, nodeVersion) {
  const folder = join(temporary, `node-${architecture}`);
  mkdirSync(join(folder, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(folder, 'usr/local/share/doc/node'), { recursive: true });
  cpSync(join(from, 'bin/node'), join(folder, 'usr/local/bin/node'));
  chmodSync(join(folder, 'usr/local/bin/node'), 0o755);
  cpSync(join(from, 'LICENSE'), join(folder, 'usr/local/share/doc/node/LICENSE'));
  return { ...layerOf(folder, { madeAt }), note: `Node ${nodeVersion}` };
}

function annotationsOf() {
  const source = repository?.url?.replace(/^git\+/, '');
  return {
    'org.opencontainers.image.title': 'prom-aggregation-gateway',
    'org.opencontainers.image.description': description,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.created': new Date(madeAt * 1_000).toISOString(),
    ...(commit !== '' && { 'org.opencontainers.image.revision': commit }),
    ...(source !== undefined && { 'org.opencontainers.image.source': source }),
  };
}

/** A release moves the tags of its minor and major version along; what comes before a release does not. */
function tagsOf(text) {
  const [major, minor] = text.split('.');
  if (text.includes('-')) return [text];
  return [text, `${major}.${minor}`, ...(major === '0' ? [] : [major])];
}

function mb(bytes) {
  return (bytes / 1e6).toFixed(1);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
