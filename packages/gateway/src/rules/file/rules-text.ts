/**
 * Rules as a configuration file that says the same, without comments, and without access: that is of each process, and names who may do what. So
 * there is no secret in it.
 */
import type { Rules } from '../rules.ts';
import { FILE_BYTES_MAX } from './document.ts';
import { metricEntryText, relabelEntryText, sourceEntryText } from './entry-text.ts';

/** Undefined where it would be longer than a file may be: what stands in a file once may be needed many times, by aliases. */
export function* rulesTextInSteps({ sources, relabel, metrics }: Rules): Generator<void, string | undefined> {
  const lines: string[] = [];
  let bytes = 0;
  const add = (line: string): boolean => {
    lines.push(line);
    bytes += Buffer.byteLength(line) + 1;
    return bytes <= FILE_BYTES_MAX;
  };
  const written = metrics.filter(({ preset }) => preset === undefined);
  for (const [key, entries] of [
    ['sources', sources.map((rule) => () => sourceEntryText(rule))],
    ['metric_relabel_configs', relabel.map((rule) => () => relabelEntryText(rule))],
    ['metrics', written.map((rule) => () => metricEntryText(rule))],
  ] as const) {
    if (entries.length > 0) add(`${key}:`);
    for (const text of entries) {
      if (!add(`- ${text()}`)) return undefined;
      yield;
    }
  }
  const presets = metrics.flatMap(({ preset }) => preset ?? []);
  if (presets.length > 0 && !add(`presets: [${presets.join(', ')}]`)) return undefined;
  return lines.map((line) => `${line}\n`).join('');
}
