/**
 * The built gateway as one file, for tests that start it again and again: half of a start goes into finding more than five hundred. What users start is
 * dist/main.js, which ring two installs and runs.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

declare module 'vitest' {
  interface ProvidedContext {
    readonly mainAsOneFile?: string;
  }
}

/** Vitest runs it before all tests, and what it returns after them. */
export default async function bundle(project: TestProject): Promise<(() => void) | undefined> {
  // Who needs it says that it is not built.
  if (!existsSync(join(dist, 'main.js'))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'gateway-one-file-'));
  await build({
    entryPoints: [join(dist, 'main.js')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // For dependencies that are CommonJS.
    banner: {
      js: `import { createRequire as requireFor } from 'node:module'; const require = requireFor(${JSON.stringify(pathToFileURL(dist))});`,
    },
    plugins: [{ name: 'places', setup: (bundling) => bundling.onLoad({ filter: /\.js$/ }, ownPlace) }],
    logLevel: 'error',
  });
  project.provide('mainAsOneFile', join(folder, 'main.mjs'));
  return () => rmSync(folder, { recursive: true });
}

/** What lies beside a file of the gateway is found from where that was. */
function ownPlace({ path }: { readonly path: string }): { readonly contents: string } | undefined {
  if (!path.startsWith(dist) || path.includes(`${sep}node_modules${sep}`)) return undefined;
  const text = readFileSync(path, 'utf8');
  return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path))) };
}
