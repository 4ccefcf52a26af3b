/** What a process has used, as Linux tells it: CPU time of all its threads, and resident memory. */
import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 wherever Node runs on Linux: https://man7.org/linux/man-pages/man7/time.7.html */
const TICKS_PER_SECOND = 100;

/** proc(5) numbers the fields of /proc/<pid>/stat from 1; the state, field 3, is at 0 here. */
const UTIME = 14 - 3;
const STIME = 15 - 3;

/** User and system time since the process began, in steps of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readProc(pid, 'stat');
  // The name of the program stands in parentheses, and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  if (!Number.isFinite(ticks)) throw new Error(`cannot read the CPU time in /proc/${pid}/stat: ${stat}`);
  return ticks / TICKS_PER_SECOND;
}

export function rssBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1];
  if (kilobytes === undefined)
    throw new Error(`process ${pid} has no VmRSS in /proc/${pid}/status; has it ended?`);
  return Number(kilobytes) * 1_024;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    throw new Error(`cannot read /proc/${pid}/${file}: the process has ended, or this is not Linux`, {
      cause: error,
    });
  }
}
