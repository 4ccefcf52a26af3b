/** `prom-aggregation-gateway storage refound …`: how to go on with the log of a cluster that has lost its last blocks. */
import type { RefoundCommand } from './config/parse.ts';
import { openLog } from './cluster/engines/open-log.ts';
import { LogBroken, LogTrimmed, LogUnavailable } from './cluster/log/shared-log.ts';
import type { SharedLog } from './cluster/log/shared-log.ts';
import { shownLogUrl } from './cluster/options.ts';
import { refoundBy } from './cluster/refound-order.ts';
import { realTiming } from './cluster/timing.ts';
import { StorageProblem } from './journal/journal.ts';

/** Resolves with the exit code: 1 where nothing was done. */
export async function runRefoundCommand(command: RefoundCommand): Promise<number> {
  let log: SharedLog | undefined;
  try {
    log = await openLog(command.logUrl);
    process.stdout.write(`log        ${shownLogUrl(command.logUrl)}\n`);
    const { code, text } = await refoundBy(log, command, print, realTiming);
    (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
    return code;
  } catch (error) {
    const isKnown = [StorageProblem, LogUnavailable, LogBroken, LogTrimmed].some((of) => error instanceof of);
    if (!isKnown) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  } finally {
    await log?.close();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
