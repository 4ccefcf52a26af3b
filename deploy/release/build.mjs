// node deploy/release/build.mjs --out DIR --tag vX
// Makes a release from a tag, as the workflow `release` does. Exits with 1 where it must not be released, or where a part cannot be made.
import { argumentsOf, printResults, root } from './command.mjs';
import { notReleasable, readFacts, wrongVersions } from './checks.mjs';
import { makeRelease } from './make.mjs';
import { parts } from './parts.mjs';

const { out, tag } = argumentsOf('build.mjs', ['out', 'tag'], []);

const facts = readFacts(root, tag);
const problems = [...wrongVersions(facts), ...notReleasable(facts)];
for (const problem of problems) console.error(`refused: ${problem}`);
if (problems.length > 0) process.exit(1);

const results = makeRelease({ root, out, version: tag.slice(1), parts });
printResults(results, out);
if (results.some(({ leftOut, failed }) => leftOut !== undefined || failed !== undefined)) {
  console.error('refused: a release needs all parts');
  process.exitCode = 1;
}
