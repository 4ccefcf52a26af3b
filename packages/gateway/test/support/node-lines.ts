import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { repository } from './programs.ts';

/** The lines of Node that are supported, the oldest first. */
export const nodeLines: readonly number[] = readFileSync(join(repository, '.ci/node-lines'), 'utf8')
  .trim()
  .split(' ')
  .map(Number);
