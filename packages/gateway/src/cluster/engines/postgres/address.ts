/** Where the database is and who asks, from a URL as libpq has it: `postgres://user:password@host:port,host:port/database?table=…`. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';

import { StorageProblem } from '../../../journal/journal.ts';
import { readText, whyUnreadable } from '../../../primitives/read-text.ts';

export interface PostgresAddress {
  /** Servers of one database, of which one takes writes: all are tried, as there may be another after a failover. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly database: string;
  /** Read anew for each connection, so that a password may change. Rejects with StorageProblem. */
  password(): Promise<string | undefined>;
  readonly tls: ConnectionOptions | false;
  readonly schema: string | undefined;
  readonly table: string;
  readonly applicationName: string;
  /** For messages: without a password. */
  readonly shown: string;
}

const parameters = [
  'table',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'passfile',
  'host',
  'application_name',
];
const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full'];
const tableDefault = 'gateway_log';
/** Of passwords and of files that hold some. */
const FILE_BYTES_MAX = 64 * 1024;
/** Names of partitions and indexes are made of it, and PostgreSQL cuts those after 63. */
const NAME_CHARS_MAX = 32;

/** Throws StorageProblem. `passwordFile` holds the password and nothing else, as secrets of containers do. */
export function parseAddress(url: string, passwordFile?: string): PostgresAddress {
  const found = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@/?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (found === null)
    throw unusable(
      'the URL of the log is not valid: postgres://user@host:port/database?table=name is; in a password, characters such as @ / ? # : are written as %40 %2F %3F %23 %3A',
    );
  const [, credentials = '', hostList = '', database = '', query = ''] = found;
  const given = new URLSearchParams(query);
  for (const name of given.keys())
    if (!parameters.includes(name))
      throw unusable(
        `the URL of the log has an unknown parameter ${name}; there are ${parameters.join(', ')}`,
      );
  const colon = credentials.indexOf(':');
  const userName = decoded(colon === -1 ? credentials : credentials.slice(0, colon));
  const user = userName || process.env['PGUSER'] || userInfo().username;
  const inUrl = colon === -1 ? undefined : decoded(credentials.slice(colon + 1));
  const hosts = hostsOf(given.get('host') ?? hostList);
  const name = decoded(database) || user;
  const { schema, table } = tableOf(given.get('table') ?? tableDefault);
  const passfile = given.get('passfile') ?? undefined;
  if ([inUrl, passfile, passwordFile].filter((each) => each !== undefined).length > 1)
    throw unusable('the password of the log is given more than once: in the URL, by passfile or by a file');
  const shownHosts = hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  return {
    hosts,
    user,
    database: name,
    schema,
    table,
    tls: tlsOf(given),
    applicationName: given.get('application_name') ?? 'prom-aggregation-gateway',
    shown: `${shownHosts}/${name}`,
    password: async () => {
      if (passwordFile !== undefined) return (await textOf(passwordFile)).replace(/\r?\n$/, '');
      if (passfile === undefined) return inUrl ?? process.env['PGPASSWORD'];
      return passwordIn(await textOf(passfile), hosts, name, user);
    },
  };
}

function hostsOf(list: string): PostgresAddress['hosts'] {
  return list.split(',').map((each) => {
    const [, host = '', port = '5432'] = /^(\[[^\]]*\]|\/[^:]*|[^:]*)(?::(\d+))?$/.exec(decoded(each)) ?? [];
    const number = Number(port);
    if (number < 1 || number > 65_535 || (host === '' && each !== ''))
      throw unusable(`the URL of the log has no valid host or port in ${JSON.stringify(each)}`);
    return { host: host.replace(/^\[(.*)\]$/, '$1') || 'localhost', port: number };
  });
}

/** Written without quotes, so that it is the same in SQL and for those who look at it. */
function tableOf(name: string): { readonly schema: string | undefined; readonly table: string } {
  const parts = name.split('.');
  const isName = (each: string): boolean => /^[a-z_][a-z0-9_]*$/.test(each) && each.length <= NAME_CHARS_MAX;
  if (parts.length > 2 || !parts.every(isName))
    throw unusable(
      `the table of the log cannot be ${JSON.stringify(name)}: a name, or schema.name, of a-z, 0-9 and _, at most ${NAME_CHARS_MAX} of them each`,
    );
  const [first = '', second] = parts;
  return second === undefined ? { schema: undefined, table: first } : { schema: first, table: second };
}

function tlsOf(given: URLSearchParams): ConnectionOptions | false {
  const read = (name: string): { readonly text: Buffer } | undefined => {
    const path = given.get(name);
    if (path === null) return undefined;
    try {
      return { text: readFileSync(path) };
    } catch (error) {
      throw unusable(`${name} of the log, ${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`);
    }
  };
  const [ca, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map(read);
  const mode = given.get('sslmode') ?? (ca === undefined ? 'disable' : 'verify-full');
  if (!tlsModes.includes(mode))
    throw unusable(`sslmode of the log cannot be ${JSON.stringify(mode)}: ${tlsModes.join(', ')}`);
  if (mode === 'disable') return false;
  // As in libpq, where a root certificate makes `require` check it.
  const isChecked = mode !== 'require' || ca !== undefined;
  return {
    rejectUnauthorized: isChecked,
    ...(ca && { ca: ca.text }),
    ...(cert && { cert: cert.text }),
    ...(key && { key: key.text }),
    ...(isChecked && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readText(path, FILE_BYTES_MAX);
  } catch (error) {
    throw unusable(`the password of the log, ${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`);
  }
}

/** Of the first line that fits, as libpq reads a .pgpass: `host:port:database:user:password`, where * fits all. */
function passwordIn(
  text: string,
  hosts: PostgresAddress['hosts'],
  database: string,
  user: string,
): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = (line.match(/(?:\\.|[^:\\])*(?::|$)/g) ?? []).map((each) =>
      each.replace(/:$/, '').replaceAll(/\\(.)/g, '$1'),
    );
    const [host, port, inDatabase, ofUser, password] = fields;
    const fits = (pattern: string | undefined, value: string): boolean =>
      pattern === '*' || pattern === value;
    const isHost = hosts.some((each) => fits(host, each.host) && fits(port, String(each.port)));
    if (isHost && fits(inDatabase, database) && fits(ofUser, user)) return password;
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unusable(
      'the URL of the log has a % that is not followed by two hexadecimal digits; write it as %25',
    );
  }
}

function unusable(message: string): StorageProblem {
  return new StorageProblem('unusable', message);
}
