/** The families that tell when a source was pushed to (ingest/push-times.ts). */
export const PUSHED = 'push_time_seconds';
export const FAILED = 'push_failure_time_seconds';

/** Whether this is one of those families: it tells of silence, so it stays where other gauges of a silent source go. */
export function isPushTime(family: string): boolean {
  return family === PUSHED || family === FAILED;
}
