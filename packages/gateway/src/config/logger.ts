/** Logs through pino, to stderr, as JSON or as logfmt, the form that Prometheus' own programs write. */
import { pino } from 'pino';

import type { Log, LogFields } from '../primitives/log.ts';
import type { LogOptions } from './config.ts';

/** `stream` is written to synchronously where it allows it, so that the last lines before an exit are not lost. */
export function createLog(
  options: LogOptions,
  stream: { write(text: string): unknown } = process.stderr,
): Log {
  const destination =
    options.format === 'json' ? stream : { write: (line: string) => stream.write(toLogfmt(line)) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => void destination.write(line) },
  );
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](fields, message);
  const isDebugEnabled = options.level === 'debug';
  return { isDebugEnabled, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One line of pino's JSON as one line of logfmt: time, level and message first, then the fields. */
function toLogfmt(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries({ time, level, msg, ...fields });
  return `${pairs.map(([key, value]) => `${key}=${logfmtValue(value)}`).join(' ')}\n`;
}

/** Messages quote what senders wrote: no control character of theirs may reach a terminal. */
function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[^\s"=\\\p{Cc}]+$/u.test(text)) return text;
  // JSON leaves DEL and the controls after it as they are.
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}
