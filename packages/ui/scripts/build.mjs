// Builds the page into the package of the gateway: dist/page has its files with their hashes in their names, each plain, with gzip and with
// br, an index.html that names them, and files.json, which lists what may be asked for. Run by `npm run build`.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const ui = fileURLToPath(new URL('../', import.meta.url));
const modules = join(ui, '../../node_modules');
const out = join(ui, '../gateway/dist/page');
const NOTICES = /^(?:licen[cs]e|notice|copying)(?:\.\w+)?$/i;

const types = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

const { outputFiles, metafile } = await build({
  absWorkingDir: ui,
  entryPoints: { page: 'src/main.tsx' },
  outdir: out,
  bundle: true,
  splitting: true,
  write: false,
  metafile: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  legalComments: 'none',
  logLevel: 'warning',
});

/** By name. */
const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
const hashed = (name, ending, contents) => {
  const hash = createHash('sha256').update(contents).digest('base64url').slice(0, 8).toUpperCase();
  const full = `${name}-${hash}.${ending}`;
  files.set(full, contents);
  return full;
};
const icon = hashed('icon', 'svg', readFileSync(join(ui, 'src/icon.svg')));
const licenses = hashed('licenses', 'txt', Buffer.from(licensesOf(Object.keys(metafile.inputs))));
const named = (pattern) => [...files.keys()].find((name) => pattern.test(name));
const html = readFileSync(join(ui, 'src/index.html'), 'utf8')
  .replaceAll('{{script}}', named(/^page-.*\.js$/))
  .replaceAll('{{style}}', named(/^page-.*\.css$/))
  .replaceAll('{{icon}}', icon)
  .replaceAll('{{licenses}}', licenses);

// At once, as a gateway may be reading what was there.
const fresh = `${out}.${process.pid}`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const list = {};
for (const [name, contents] of files) {
  list[name] = types[name.slice(name.lastIndexOf('.') + 1)];
  writeFileSync(join(fresh, name), contents);
  writeFileSync(join(fresh, `${name}.gz`), gzipSync(contents, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: contents.length,
  };
  writeFileSync(join(fresh, `${name}.br`), brotliCompressSync(contents, { params }));
}
writeFileSync(join(fresh, 'index.html'), html);
writeFileSync(join(fresh, 'files.json'), `${JSON.stringify(list, null, 2)}\n`);
rmSync(out, { recursive: true, force: true });
renameSync(fresh, out);

/** Of each package that something was taken from. */
function licensesOf(paths) {
  const names = paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const texts = [...new Set(names)]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const folder = join(modules, name);
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const notices = readdirSync(folder).filter((file) => NOTICES.test(file));
      if (notices.length === 0) throw new Error(`${name} has no license that could go along`);
      const own = notices.map((file) => readFileSync(join(folder, file), 'utf8').trim());
      return `${name} ${version} (${license})\n\n${own.join('\n\n')}\n`;
    });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
