/**
 * The gateway as a process under load, beside a bare `node:http` server and any peers. `npm run bench:http`, some minutes;
 * README.md in the folder above says what each row means. A time never fails the run; an error or a refused push does.
 */
import { parseOptions } from './options.ts';
import type { Options } from './options.ts';
import { cleanUpAtExit, fail, shareOneCore } from './processes.ts';
import { printProfile } from './profile.ts';
import { printReport, runRows } from './rows.ts';
import { soak } from './soak.ts';

function optionsOrExit(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

const options = optionsOrExit();
cleanUpAtExit();
try {
  if (options.oneCore) await shareOneCore();
  if (options.profile !== undefined) await printProfile(options.profile, options);
  else if (options.soakSeconds !== undefined) await soak(options.soakSeconds, options.sizes);
  else printReport(await runRows(options), options);
} catch (error) {
  fail(error);
}
process.exit(0);
