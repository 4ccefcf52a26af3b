// The gateway and its dependencies as one file of CommonJS, as single executables of Node take it, and the licenses of what is in it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

import { commit, root } from '../source.mjs';

const BCRYPTJS = 'node_modules/bcryptjs/index.js';

/** Resolves with the text of the file, and that of the licenses. Takes what `npm run build` has made. */
export async function bundle() {
  const { outputFiles, metafile } = await build({
    // Not main.js: this Node is new enough, and the format has no `await` at its top.
    stdin: {
      contents: `const { argv } = process;
        if (argv[2] === 'health')
          import('./packages/gateway/dist/health-command.js').then((command) => command.runHealthCommand());
        else import('./packages/gateway/dist/process.js').then((command) => command.runProcess());`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    legalComments: 'none',
    define: {
      BUNDLED_FILES: JSON.stringify({
        'build.json': JSON.stringify({ commit: commit === '' ? undefined : commit }),
        // A thread of its own begins with it.
        bcryptjs: readFileSync(join(root, BCRYPTJS), 'utf8'),
      }),
      // What is found by it is among the files above.
      'import.meta.url': '""',
    },
    logLevel: 'warning',
  });
  const inputs = [...Object.keys(metafile.inputs), BCRYPTJS];
  return { code: outputFiles[0].text, licenses: licensesOf(inputs) };
}

/** Of each package that something was taken from. */
function licensesOf(paths) {
  const folders = paths.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].toSorted(byText).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const files = readdirSync(join(root, folder)).filter((file) =>
      /^(?:licen[cs]e|notice|copying)/i.test(file),
    );
    const own = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    // Some have it at the end of what they say of themselves.
    if (files.length === 0) own.push(...licenseIn(join(root, folder, 'README.md')));
    if (own.length === 0) throw new Error(`${name} has no license that could go along`);
    return `${name} ${version} (${license})\n\n${own.join('\n\n')}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

function licenseIn(readme) {
  if (!existsSync(readme)) return [];
  const [, text] = /^#+ *licen[cs]e *$([^]*?)(?=^#|$(?![^]))/im.exec(readFileSync(readme, 'utf8')) ?? [];
  return text !== undefined && /permission is hereby granted/i.test(text) ? [text.trim()] : [];
}

function byText(a, b) {
  return a < b ? -1 : 1;
}
