/** What an error of PostgreSQL, or on the way to it, means for the log. */
import pg from 'pg';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogBroken, LogTrimmed, LogUnavailable } from '../../log/shared-log.ts';
import type { PostgresAddress } from './address.ts';

/** Five letters or digits where it is from the server; otherwise Node's. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * The server says that it did nothing, and lives on. A FATAL may come after a commit; and without the server's word the statement may still be
 * carried out.
 */
export function isSurelyUndone(error: unknown): boolean {
  if (error instanceof NotSent) return true;
  // The severity is in the server's language.
  return error instanceof pg.DatabaseError && !/^(?:08|57P|58|XX)/.test(error.code ?? 'XX');
}

/** Nothing was sent to the server. */
export class NotSent extends LogUnavailable {}

/** The transaction was rolled back for another's sake, and may be tried at once. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/** What is thrown to those who use the log. Of StorageProblem only opening makes one; later it is waited for that somebody puts it right. */
export function explained(error: unknown, address: PostgresAddress): Error {
  if (error instanceof LogBroken || error instanceof LogTrimmed || error instanceof LogUnavailable)
    return error;
  if (error instanceof StorageProblem) return new LogUnavailable(error.message, { cause: error });
  const { message } = error as Error;
  const problem = problemOf(error, address);
  if (problem !== undefined) return new LogUnavailable(problem.message, { cause: problem });
  const where = `PostgreSQL at ${address.shown}`;
  switch (codeOf(error)) {
    case '42P01':
    case '42703':
    case '42804':
      return new LogBroken(`${where}: the tables of the log are gone or were changed: ${message}`, {
        cause: error,
      });
    case '55P03':
      return new LogUnavailable(
        `${where}: another transaction holds what is asked for: an append that waits for a standby, or a backup`,
        { cause: error },
      );
    case '25006':
      return new LogUnavailable(`${where} takes no writes: it is a standby, or set to be read only`, {
        cause: error,
      });
    default:
      return new LogUnavailable(`${where}: ${message || 'no connection'}`, { cause: error });
  }
}

/** What does not go away by waiting. */
function problemOf(error: unknown, { shown, user, database }: PostgresAddress): StorageProblem | undefined {
  const { message } = error as Error;
  const unusable = (what: string): StorageProblem =>
    new StorageProblem('unusable', `PostgreSQL at ${shown}: ${what} (${message})`);
  switch (codeOf(error)) {
    case '28P01':
    case '28000':
      return unusable(`user ${user} is refused; check user and password, and pg_hba.conf of the server`);
    case '3D000':
      return unusable(`there is no database ${database}; create it, or name another in the URL`);
    case '3F000':
      return unusable('there is no such schema; create it, or name another in the URL');
    case '42501':
      return unusable(
        `user ${user} lacks a right; it needs CREATE on the schema, or has to own the tables of the log`,
      );
    // PgBouncer gives one code for all that it refuses.
    case '08P01':
      return /auth|password|does not exist/i.test(message)
        ? unusable(
            `user ${user} or database ${database} is refused by a pooler; check user, password and its settings`,
          )
        : undefined;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_HAS_EXPIRED':
      return unusable('its certificate is not trusted; check sslrootcert and the host in the URL');
    default:
  }
  if (/does not support SSL/i.test(message))
    return unusable('it has no TLS; set ssl = on there, or sslmode=disable');
  if (/password must be a (?:non-empty )?string/i.test(message))
    return unusable(
      `it asks for a password of user ${user}; put it in the URL, in passfile or in a file of its own`,
    );
  return undefined;
}
