import { isIPv4, isIPv6 } from 'node:net';

import { roles } from '../model/roles.ts';
import type { Role } from '../model/roles.ts';
import { nearestName } from '../primitives/nearest.ts';
import type { Parsed } from '../primitives/duration.ts';

export type ListenAddress = (TcpAddress | { readonly path: string }) & {
  /** Undefined for everything. */
  readonly served?: ReadonlySet<Role>;
};

interface TcpAddress {
  /** Undefined listens on all addresses, IPv6 and IPv4. */
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Reads `:80`, `127.0.0.1:9091`, `localhost:9091`, `[::1]:9091` or `unix:/run/pag.sock`; port 0 picks a free one. What follows a semicolon is what
 * is served there: `:9092;push,delete`.
 */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const semicolon = text.indexOf(';');
  const place = parsePlace(semicolon < 0 ? text : text.slice(0, semicolon));
  if ('problem' in place || semicolon < 0) return place;
  const served = new Set<Role>();
  for (const name of text.slice(semicolon + 1).split(',')) {
    const role = roles.find((each) => each === name.trim());
    if (role === undefined) {
      const nearest = nearestName(name, roles);
      const advice = nearest === undefined ? `; there are ${roles.join(', ')}` : `; did you mean ${nearest}?`;
      return { problem: `${JSON.stringify(text)}: ${JSON.stringify(name)} is nothing to serve${advice}` };
    }
    served.add(role);
  }
  return { value: { ...place.value, served } };
}

function parsePlace(text: string): Parsed<TcpAddress | { readonly path: string }> {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    // Longer ones are cut off without a word.
    if (path !== '' && Buffer.byteLength(path) <= UNIX_PATH_BYTES_MAX) return { value: { path } };
    return {
      problem: `${JSON.stringify(text)} is no Unix socket: its path has 1 to ${UNIX_PATH_BYTES_MAX} bytes`,
    };
  }
  const problem = `${JSON.stringify(text)} is not an address; write it like :9091, 127.0.0.1:9091, [::1]:9091 or unix:/run/pag.sock`;
  const match = /^(?:\[([^\]]+)\]|([\w.-]*)):(\d{1,5})$/.exec(text);
  if (match === null) return { problem };
  const [, bracketed, plain = ''] = match;
  const port = Number(match[3]);
  const isHost = bracketed === undefined ? !/^[\d.]+$/.test(plain) || isIPv4(plain) : isIPv6(bracketed);
  if (!isHost || port > 65_535) return { problem };
  const host = bracketed ?? plain;
  return { value: { host: host === '' ? undefined : host, port } };
}

/** Linux has 107, macOS 103. */
const UNIX_PATH_BYTES_MAX = 103;

/** The inverse of `parseListenAddress`. */
export function formatListenAddress(address: ListenAddress): string {
  const served = address.served === undefined ? '' : `;${[...address.served].join(',')}`;
  if ('path' in address) return `unix:${address.path}${served}`;
  const { host = '', port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}${served}`;
}
