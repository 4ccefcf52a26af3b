// Makes the parts of a release into one folder: assets/ has the files as they are published, with their checksums.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SUMS = 'SHA256SUMS';

/**
 * @param {{ root: string, out: string, version: string, parts: readonly import('./parts.mjs').Part[] }} options
 * @returns {readonly { name: string, files: readonly string[], leftOut?: string, failed?: string }[]}
 */
export function makeRelease({ root, out, version, parts }) {
  if (existsSync(out) && readdirSync(out).length > 0) throw new Error(`${out} is not empty`);
  const assets = join(out, 'assets');
  mkdirSync(assets, { recursive: true });
  const results = parts.map(({ name, make }) => {
    const folder = join(out, 'parts', name.replaceAll(/\W+/g, '-'));
    mkdirSync(folder, { recursive: true });
    try {
      const leftOut = make({ root, folder, version });
      return leftOut === undefined ? { name, files: collect(folder, assets) } : { name, files: [], leftOut };
    } catch (error) {
      return { name, files: [], failed: error instanceof Error ? error.message : String(error) };
    }
  });
  writeFileSync(join(assets, SUMS), sumsOf(assets));
  return results;
}

/** Assets of a release have no folders. A part's own sums are left out: there is one list of all. */
function collect(folder, assets) {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== SUMS)
    .map((entry) => entry.name)
    .sort();
  if (files.length === 0) throw new Error('it made no file');
  for (const file of files) {
    if (existsSync(join(assets, file))) throw new Error(`two parts make a file ${file}`);
    copyFileSync(join(folder, file), join(assets, file));
  }
  return files;
}

/** As `sha256sum --check` reads it. */
export function sumsOf(folder) {
  return readdirSync(folder)
    .filter((name) => name !== SUMS)
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('');
}
