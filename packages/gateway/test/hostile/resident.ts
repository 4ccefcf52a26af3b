/** Resident memory of other processes, as Linux tells it. */
import { readFileSync } from 'node:fs';

/** Bytes now; undefined once the process has ended, or where there is no /proc. */
export function rssOf(pid: number): number | undefined {
  return read(pid, 'VmRSS');
}

/** The most there ever was. */
export function peakRssOf(pid: number): number | undefined {
  return read(pid, 'VmHWM');
}

function read(pid: number, field: string): number | undefined {
  try {
    const kilobytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
