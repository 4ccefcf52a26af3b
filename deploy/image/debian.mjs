// The libraries that Node's binary is linked against, out of Debian's packages. Needs apt-get and dpkg-deb, and no rights: apt keeps what
// it knows in a folder of its own, for any architecture.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** libc6 and libstdc++6 with what they depend on, and what says which Debian this is. */
const packages = ['base-files', 'gcc-14-base', 'libc6', 'libgcc-s1', 'libstdc++6'];

const triplets = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const loaders = { amd64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' };

/** Fills a folder as the root of a file system. Returns `name version` of the packages. */
export function unpackLibraries(architecture, root) {
  const cache = fileURLToPath(new URL(`../../build/debian/${architecture}/`, import.meta.url));
  const temporary = mkdtempSync(join(tmpdir(), 'debian-'));
  try {
    download(architecture, cache, temporary);
    const archives = readdirSync(temporary)
      .filter((name) => name.endsWith('.deb'))
      .toSorted();
    return archives.map((archive) => unpack(join(temporary, archive), architecture, root));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function download(architecture, cache, folder) {
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(cache, name), { recursive: true });
  writeFileSync(join(cache, 'status'), '');
  const source = (uri, suites) =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\nArchitectures: ${architecture}\nSigned-By: ${KEYRING}\n`;
  writeFileSync(
    join(cache, 'debian.sources'),
    [
      source('http://deb.debian.org/debian', `${SUITE} ${SUITE}-updates`),
      source('http://deb.debian.org/debian-security', `${SUITE}-security`),
    ].join('\n'),
  );
  const settings = {
    'Dir::State': cache,
    'Dir::State::lists': join(cache, 'lists'),
    'Dir::State::status': join(cache, 'status'),
    'Dir::Cache': join(cache, 'cache'),
    'Dir::Etc::sourcelist': join(cache, 'debian.sources'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args) =>
    execFileSync('apt-get', ['-qq', ...options, ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  apt('download', ...packages);
}

function unpack(archive, architecture, root) {
  const field = (name) => execFileSync('dpkg-deb', ['--field', archive, name], { encoding: 'utf8' }).trim();
  const name = field('Package');
  const files = mkdtempSync(join(tmpdir(), 'package-'));
  try {
    execFileSync('dpkg-deb', ['--extract', archive, files]);
    keep(name, architecture, files, root);
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
  // Where scanners look for what is installed when there is no dpkg.
  const status = join(root, 'var/lib/dpkg/status.d');
  mkdirSync(status, { recursive: true });
  writeFileSync(join(status, name), execFileSync('dpkg-deb', ['--field', archive]));
  return `${name} ${field('Version')}`;
}

/** Libraries themselves, licenses, and which Debian it is: no character sets, no debuggers, no programs. */
function keep(name, architecture, files, root) {
  const triplet = triplets[architecture];
  const target = join(root, 'usr/lib', triplet);
  mkdirSync(target, { recursive: true });
  for (const folder of [`lib/${triplet}`, `usr/lib/${triplet}`].map((path) => join(files, path))) {
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) copy(join(folder, entry.name), join(target, entry.name));
    }
  }
  if (name === 'libc6') linkLoader(architecture, root);
  if (name === 'base-files')
    for (const path of ['etc/debian_version', 'etc/os-release', 'usr/lib/os-release'])
      copy(join(files, path), join(root, path));
  const documents = join('usr/share/doc', name);
  // A license, or a link to the folder of a package that has it.
  const license = existsSync(join(files, documents, 'copyright')) ? join(documents, 'copyright') : documents;
  copy(join(files, license), join(root, license));
}

/** Where binaries say that it is; the folders are merged as Debian merges them. */
function linkLoader(architecture, root) {
  for (const folder of ['lib', 'lib64']) {
    mkdirSync(join(root, 'usr', folder), { recursive: true });
    symlinkSync(`usr/${folder}`, join(root, folder));
  }
  const folder = architecture === 'amd64' ? 'lib64' : 'lib';
  const loader = loaders[architecture];
  symlinkSync(`/usr/lib/${triplets[architecture]}/${loader}`, join(root, 'usr', folder, loader));
}

function copy(from, to) {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}
