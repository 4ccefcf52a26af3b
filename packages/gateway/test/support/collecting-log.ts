import type { Log, LogFields } from '../../src/primitives/log.ts';

export type LogLine = readonly [level: string, message: string, fields: LogFields];

/** A log whose lines can be looked at. */
export function collectingLog({ isDebugEnabled }: Pick<Log, 'isDebugEnabled'> = {}): {
  readonly log: Log;
  readonly lines: readonly LogLine[];
} {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push([level, message, fields]);
  const log = { isDebugEnabled, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}
