// What the commands of this folder share.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Flags with values; a missing or unknown one ends the process with 2. */
export function argumentsOf(script, required, optional) {
  const all = [...required, ...optional];
  const options = Object.fromEntries(all.map((name) => [name, { type: 'string' }]));
  let values;
  try {
    ({ values } = parseArgs({ options }));
    for (const name of required) if (!values[name]) throw new Error(`--${name} is missing`);
  } catch (error) {
    const usage = [...required.map((name) => `--${name} …`), ...optional.map((name) => `[--${name} …]`)];
    console.error(`${error.message}\nusage: node deploy/release/${script} ${usage.join(' ')}`);
    process.exit(2);
  }
  return values.out === undefined ? values : { ...values, out: resolve(values.out) };
}

export function printResults(results, out) {
  for (const { name, files, leftOut, failed } of results) {
    if (leftOut !== undefined) console.log(`left out: ${name}: ${leftOut}`);
    else if (failed !== undefined) console.error(`failed: ${name}: ${failed}`);
    else for (const file of files) console.log(`made: ${name}: ${file}`);
  }
  console.log(`${out}/assets has what was made, with SHA256SUMS`);
}
