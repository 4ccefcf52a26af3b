import { isIPv4, isIPv6 } from 'node:net';

import type { Parsed } from '../primitives/duration.ts';

export interface ListenAddress {
  /** Undefined listens on all addresses, IPv6 and IPv4. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Reads `:80`, `127.0.0.1:9091`, `localhost:9091` or `[::1]:9091`. Port 0 picks a free one. */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const problem = `${JSON.stringify(text)} is not an address; write it like :9091, 127.0.0.1:9091 or [::1]:9091`;
  const match = /^(?:\[([^\]]+)\]|([\w.-]*)):(\d{1,5})$/.exec(text);
  if (match === null) return { problem };
  const [, bracketed, plain = ''] = match;
  const port = Number(match[3]);
  const isHost = bracketed === undefined ? !/^[\d.]+$/.test(plain) || isIPv4(plain) : isIPv6(bracketed);
  if (!isHost || port > 65_535) return { problem };
  const host = bracketed ?? plain;
  return { value: { host: host === '' ? undefined : host, port } };
}

/** The inverse of `parseListenAddress`. */
export function formatListenAddress({ host = '', port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
