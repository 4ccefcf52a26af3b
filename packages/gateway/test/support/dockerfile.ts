/**
 * Builds the Dockerfile of deploy/image by podman. Where the images that it begins with cannot be had, others stand in for them: the libraries of the image that build.mjs
 * has made, and these with its Node, npm and the shell of busybox. What the Dockerfile does is then tried, and what it says of those images is not.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Engine } from './podman.ts';
import { findProgram, repository, run } from './programs.ts';

const BUILD_MS = 600_000;
/** As `--version` says it of the image. */
export const commitOfDockerfile = 'commit abc, ';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Of what is fetched while building. */
const unreachable =
  /no such host|connection refused|i\/o timeout|network is unreachable|npm error code E(?:AI_AGAIN|NOTFOUND|CONN\w+)/;

/** Resolves with the name of the image, or with why there is none. */
export async function buildDockerfile(engine: Engine): Promise<string | { readonly why: string }> {
  const build = [
    'build',
    '--isolation=chroot',
    '--format=docker',
    '--layers=false',
    '--pull=false',
    ...engine.flags,
  ];
  const bases = await standIns(engine, build);
  if ('why' in bases) return bases;
  const args = { ...bases, VERSION: '9.9.9', COMMIT: 'abc' };
  const given = Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`);
  const file = join(repository, 'deploy/image/Dockerfile');
  const built = await engine.podman(
    [...build, ...given, '--file', file, '--tag=built', repository],
    BUILD_MS,
  );
  const why = unreachable.exec(built.stderr)?.[0];
  if (built.code !== 0 && why !== undefined) return { why };
  if (built.code !== 0) throw new Error(built.stdout + built.stderr);
  return 'localhost/built';
}

async function standIns(
  { podman, image }: Engine,
  build: readonly string[],
): Promise<{ readonly NODE_IMAGE: string; readonly BASE_IMAGE: string } | { readonly why: string }> {
  const busybox = findProgram('busybox');
  const npm = findProgram('npm');
  if (busybox === undefined || npm === undefined) return { why: 'busybox-static or npm is not installed' };
  const context = mkdtempSync(join(tmpdir(), 'node-image-'));
  try {
    mkdirSync(join(context, 'etc'));
    copyFileSync(busybox, join(context, 'busybox'));
    cpSync(dirname(dirname(realpathSync(npm))), join(context, 'npm'), { recursive: true });
    // The registry that npm goes to here, and the authorities that this machine trusts.
    const registry = (await run(npm, ['config', 'get', 'registry'])).stdout.trim();
    const lines = [`registry=${registry}`];
    if (existsSync(CERTIFICATES)) {
      copyFileSync(CERTIFICATES, join(context, 'etc/ca.crt'));
      lines.push('cafile=/usr/local/etc/ca.crt');
    }
    writeFileSync(join(context, 'etc/npmrc'), lines.join('\n'));
    for (const [name, text] of Object.entries(basesFrom(image))) {
      const file = join(context, `${name}.Dockerfile`);
      writeFileSync(file, text);
      const built = await podman([...build, '--file', file, `--tag=${name}`, context], BUILD_MS);
      const why = /.*(?:not permitted|permission denied).*/i.exec(built.stderr)?.[0];
      if (built.code !== 0 && why !== undefined) return { why };
      if (built.code !== 0) throw new Error(built.stdout + built.stderr);
    }
    return { NODE_IMAGE: 'localhost/node', BASE_IMAGE: 'localhost/base' };
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Libraries alone; and these with Node, npm and a shell. Neither has what the Dockerfile is to bring. */
function basesFrom(image: string): Readonly<Record<'base' | 'node', string>> {
  const base = `FROM scratch
COPY --from=${image} /etc /etc
COPY --from=${image} /usr/lib /usr/lib
COPY --from=${image} /usr/lib64 /lib64
COPY --from=${image} /lib /lib
COPY --from=${image} /tmp /tmp
`;
  const node = `FROM localhost/base
COPY --from=${image} /usr/local/bin/node /usr/local/bin/node
COPY busybox /bin/busybox
COPY npm /usr/local/lib/node_modules/npm
COPY etc /usr/local/etc
ENV PATH=/usr/local/bin:/bin
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && mkdir -p /usr/bin && ln -s /bin/env /usr/bin/env
`;
  return { base, node };
}
