import { helpText } from './config/help.ts';
import type { Invocation } from './config/parse.ts';
import { versionLine } from './version.ts';

/** Prints the help, the version, or what is wrong with the command line; false where there is something to run instead. */
export function printed(invocation: Invocation): boolean {
  switch (invocation.kind) {
    case 'help':
      process.stdout.write(helpText());
      return true;
    case 'version':
      process.stdout.write(`${versionLine()}\n`);
      return true;
    case 'errors':
      for (const error of invocation.errors) process.stderr.write(`${error}\n`);
      process.stderr.write('try --help\n');
      process.exitCode = 2;
      return true;
    default:
      return false;
  }
}
