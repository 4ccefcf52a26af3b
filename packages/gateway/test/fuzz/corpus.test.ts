/** Replays every input that the fuzzer has found and somebody has kept, and a few fixed seeds. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import { randomRun } from './generate.ts';
import { replay } from './replay.ts';
import type { FuzzRun } from './replay.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'corpus');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

test.each(files)('%s', async (file) => {
  await replay(JSON.parse(readFileSync(join(folder, file), 'utf8')) as FuzzRun);
});

test('fixed seeds', async () => {
  for (let seed = 0; seed < runs(150); seed += 1) await replay(randomRun(new Random(seed)));
});
