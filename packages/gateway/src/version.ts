import { readFileSync } from 'node:fs';

/** As in package.json, which is not read here: a bundler may put this file where there is none, or another one. */
export const version = '0.1.0';

/** What `--version` prints. */
export function versionLine(): string {
  const commit = revision();
  const details = [...(commit === undefined ? [] : [`commit ${commit}`]), `Node ${process.version}`];
  return `prom-aggregation-gateway ${version} (${details.join(', ')})`;
}

/** `npm pack` notes it beside the code; in a clone, git knows it better. */
export function revision(): string | undefined {
  try {
    const text = readFileSync(new URL('build.json', import.meta.url), 'utf8');
    return (JSON.parse(text) as { commit?: string }).commit;
  } catch {
    return undefined;
  }
}
