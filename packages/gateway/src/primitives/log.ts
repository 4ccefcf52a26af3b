/**
 * The few things the gateway asks of a logger. `fields` become logfmt or JSON fields; a pino logger wrapped by
 * `config/logger.ts` is what the process uses, embedders may pass any object of this shape.
 */
export interface Log {
  /** Whether each accepted push is to be logged with `debug`. Not asked for again while the gateway runs. */
  readonly isDebugEnabled?: boolean | undefined;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
