/** What `nats://…` says: where the servers are, as whom, which stream, and how sure it has to be. */
import { readFileSync } from 'node:fs';

import {
  credsAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import type { Authenticator } from '@nats-io/transport-node';

import { StorageProblem } from '../../../journal/journal.ts';
import { quote } from '../../../primitives/quote.ts';
import { readText, whyUnreadable } from '../../../primitives/read-text.ts';

export interface NatsTarget {
  /** Each `host:port`. */
  readonly servers: readonly string[];
  /** Of the log's stream; the names of the other two begin with it. */
  readonly name: string;
  readonly replicas: number;
  /** Of the monitoring port of servers, without a slash at the end. */
  readonly monitors: readonly string[];
  /** The operator says that all servers write with `sync_interval: always`. */
  readonly isSyncAsserted: boolean;
  readonly authenticator: Authenticator | undefined;
  readonly tls: TlsFiles | undefined;
  /** For messages: without credentials. */
  readonly shown: string;
}

interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

const defaultName = 'prom-aggregation-gateway';
const defaultPort = 4222;
const defaultReplicas = 3;
/** What NATS allows. */
const replicasMax = 5;
const fileBytesMax = 1024 * 1024;

const form = 'nats://[user[:password]@]host[:port][,host[:port]…][/stream][?parameter=value&…]';
const parameters = [
  'replicas',
  'monitor',
  'sync',
  'creds',
  'password-file',
  'token-file',
  'ca',
  'cert',
  'key',
];

/** Rejects with StorageProblem, whose message never has what stands before the `@`. */
export async function parseNatsUrl(text: string): Promise<NatsTarget> {
  const parts = /^(nats|tls):\/\/(?:([^/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/.exec(text);
  if (parts === null) throw problem(`it is not of the form ${form}`);
  const [, scheme, user, hosts, path = '', query = ''] = parts;
  const search = new URLSearchParams(query);
  for (const name of new Set(search.keys())) {
    if (!parameters.includes(name))
      throw problem(`unknown parameter ${quote(name)}; there are ${parameters.join(', ')}`);
    if (name !== 'monitor' && search.getAll(name).length > 1) throw problem(`duplicate parameter ${name}`);
  }
  const servers = hosts!.split(',').map(serverOf);
  const name = path === '' ? defaultName : path;
  if (!/^[\w-]{1,100}$/.test(name)) {
    throw problem(`${quote(name)} cannot be the name of a stream; use letters, digits, - and _`);
  }
  const tls = tlsOf(scheme === 'tls', search);
  for (const file of ['creds', 'password-file', 'token-file', 'ca', 'cert', 'key']) {
    await checkFile(file, search.get(file));
  }
  return {
    servers,
    name,
    replicas: replicasOf(search.get('replicas')),
    monitors: search
      .getAll('monitor')
      .flatMap((urls) => urls.split(','))
      .map(monitorOf),
    isSyncAsserted: isSyncAsserted(search.get('sync')),
    authenticator: authenticatorOf(user, search),
    tls,
    shown: `${scheme}://${servers.join(',')}/${name}`,
  };
}

function problem(what: string): StorageProblem {
  return new StorageProblem('unusable', `Invalid URL of NATS: ${what}`);
}

function serverOf(text: string): string {
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts === null || port < 1 || port > 65_535) throw problem(`${quote(text)} is not host or host:port`);
  return `${parts[1]}:${port}`;
}

function replicasOf(text: string | null): number {
  if (text === null) return defaultReplicas;
  const replicas = Number(text);
  if (!/^\d+$/.test(text) || replicas < 1 || replicas > replicasMax) {
    throw problem(`replicas=${text} is not a number from 1 to ${replicasMax}`);
  }
  return replicas;
}

function monitorOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw problem(`monitor=${text} is not the URL of a monitoring port, such as http://host:8222`);
  }
  if (url.username !== '' || url.password !== '') throw problem('monitor=… cannot have a user or password');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function isSyncAsserted(text: string | null): boolean {
  if (text !== null && text !== 'always-asserted') {
    throw problem(`sync=${text} is unknown; only sync=always-asserted is allowed`);
  }
  return text !== null;
}

function tlsOf(isRequired: boolean, search: URLSearchParams): TlsFiles | undefined {
  const [ca, cert, key] = [search.get('ca'), search.get('cert'), search.get('key')];
  if ((cert === null) !== (key === null))
    throw problem('cert=… and key=… are the two halves of one certificate; name both');
  if (!isRequired && ca === null && cert === null) return undefined;
  return {
    ...(ca === null ? {} : { caFile: ca }),
    ...(cert === null || key === null ? {} : { certFile: cert, keyFile: key }),
  };
}

function authenticatorOf(user: string | undefined, search: URLSearchParams): Authenticator | undefined {
  const [creds, passwordFile, tokenFile] = [
    search.get('creds'),
    search.get('password-file'),
    search.get('token-file'),
  ];
  const [name, password] = user === undefined ? [] : credentialsOf(user);
  const ways = [creds, tokenFile, name ?? passwordFile].filter((way) => (way ?? null) !== null);
  if (ways.length > 1 || (password !== undefined && passwordFile !== null)) {
    throw problem(
      'it names more than one kind of credentials; use one of creds=…, token-file=…, and user with password',
    );
  }
  if (creds !== null) return byFile(creds, (text) => credsAuthenticator(new TextEncoder().encode(text)));
  if (tokenFile !== null) return byFile(tokenFile, (text) => tokenAuthenticator(firstLine(text)));
  if (passwordFile !== null) {
    if (name === undefined) throw problem('password-file=… needs a user: nats://user@host');
    return byFile(passwordFile, (text) => usernamePasswordAuthenticator(name, firstLine(text)));
  }
  if (name === undefined) return undefined;
  // As other clients of NATS read it: what stands alone is a token.
  return password === undefined ? tokenAuthenticator(name) : usernamePasswordAuthenticator(name, password);
}

function credentialsOf(user: string): [name: string, password?: string] {
  const colon = user.indexOf(':');
  const parts = colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)];
  try {
    return parts.map(decodeURIComponent) as [string, string?];
  } catch {
    throw problem('a user or password with % is to be percent-encoded, with %25 for %');
  }
}

const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0]!;

/**
 * Reads the file at each connection, so that it may be replaced. While it cannot be used, what it had before serves: the client never connects
 * again after an authenticator that throws.
 */
function byFile(path: string, make: (text: string) => Authenticator): Authenticator {
  let usable: string | undefined;
  const authenticate = (text: string, nonce: string | undefined): ReturnType<Authenticator> => {
    const auth = make(text)(nonce);
    usable = text;
    return auth;
  };
  return (nonce) => {
    try {
      return authenticate(readFileSync(path, 'utf8'), nonce);
    } catch (error) {
      if (usable === undefined) throw error;
      return authenticate(usable, nonce);
    }
  };
}

async function checkFile(parameter: string, path: string | null): Promise<void> {
  if (path === null) return;
  try {
    await readText(path, fileBytesMax);
  } catch (error) {
    throw problem(`${parameter}=${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`);
  }
}
