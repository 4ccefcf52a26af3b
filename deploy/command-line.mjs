// What the scripts here are called with, and which programs they need.
import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The folder after `--out`. Ends the process, with what is wrong, where there is none, or where a program is missing. */
export function outFolder(script, programs) {
  let out;
  try {
    ({ out } = parseArgs({ options: { out: { type: 'string' } } }).values);
  } catch (error) {
    fail(2, error.message);
  }
  if (!out) fail(2, `usage: node ${script} --out FOLDER`);
  const missing = programs.filter((name) => !isThere(name));
  if (missing.length > 0) fail(1, `${script} needs ${missing.join(', ')}, as Debian has it`);
  return resolve(out);
}

function isThere(program) {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function fail(code, message) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
