/** Test data of other projects. Each folder has a README that says where it is from, and the licence and notice that it came with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('data', import.meta.url));

export type Source = 'openmetrics' | 'prometheus';

export function readData(source: Source, ...path: readonly string[]): Buffer {
  return readFileSync(join(folder, source, ...path));
}

export function readJson(source: Source, ...path: readonly string[]): unknown {
  return JSON.parse(readData(source, ...path).toString());
}
