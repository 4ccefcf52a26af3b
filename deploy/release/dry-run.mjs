// node deploy/release/dry-run.mjs --out DIR [--version X]
// Makes all of a release that can be made on this machine, and says what was left out and why, and why a release would be refused.
// Exits with 1 where versions contradict each other or a part fails, with 2 where it is called wrongly.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { argumentsOf, printResults, root } from './command.mjs';
import { notReleasable, readFacts, wrongVersions } from './checks.mjs';
import { makeRelease } from './make.mjs';
import { parts } from './parts.mjs';

const { version: ownVersion } = JSON.parse(readFileSync(join(root, 'packages/gateway/package.json'), 'utf8'));
const { out, version = ownVersion } = argumentsOf('dry-run.mjs', ['out'], ['version']);

const facts = readFacts(root, `v${version}`);
const problems = wrongVersions(facts);
if (problems.length > 0) {
  for (const problem of problems) console.error(`refused: ${problem}`);
  process.exit(1);
}
for (const problem of notReleasable(facts)) console.log(`a release would be refused: ${problem}`);
const results = makeRelease({ root, out, version, parts });
printResults(results, out);
if (results.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
