import { readFileSync } from 'node:fs';

import { bundledFile } from './primitives/bundled.ts';

/** As in package.json, which is not read here: a bundler may put this file where there is none, or another one. */
export const version = '1.0.0-rc.1';

/** What `--version` prints. */
export function versionLine(): string {
  const commit = revision();
  const details = [...(commit === undefined ? [] : [`commit ${commit}`]), `Node ${process.version}`];
  return `prom-aggregation-gateway ${version} (${details.join(', ')})`;
}

/** `npm pack` notes it beside the code; in a clone, git knows it better. */
export function revision(): string | undefined {
  try {
    const text = bundledFile('build.json') ?? readFileSync(new URL('build.json', import.meta.url), 'utf8');
    return (JSON.parse(text) as { commit?: string }).commit;
  } catch {
    return undefined;
  }
}
