/**
 * Tokens in what is logged or answered. They belong into a header, which nobody shows; but senders also put them into paths and other places
 * that messages quote.
 */
import type { Log, LogFields } from './log.ts';

/** What tokens begin with that `token new` has made. */
export const TOKEN_PREFIX = 'pag_';
/** 32 bytes in base64url. */
const CHARS_AFTER_PREFIX = 43;

/** Such a token, and what is left of one where a message cuts it. Names of metrics may begin like it, but are hardly as long. */
const tokens = new RegExp(`${TOKEN_PREFIX}(?:[\\w-]{${CHARS_AFTER_PREFIX},}|[\\w-]+(?=…))`, 'g');

export function hideTokens(text: string): string {
  return text.includes(TOKEN_PREFIX) ? text.replaceAll(tokens, `${TOKEN_PREFIX}***`) : text;
}

/** The same log, in which no token is. */
export function withoutTokens(log: Log): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void =>
      log[level](hideTokens(message), fields && hideInFields(fields));
  const { isDebugEnabled } = log;
  return { isDebugEnabled, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function hideInFields(fields: LogFields): LogFields {
  const hidden = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? hideTokens(value) : value,
  ]);
  return Object.fromEntries(hidden) as LogFields;
}
