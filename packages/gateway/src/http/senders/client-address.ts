/**
 * Where a request comes from: the peer of its connection, or who a trusted proxy says it speaks for. `X-Forwarded-For` is read from its
 * end, where the nearest proxy wrote, and only as far as the proxies that are named: anybody can write what is before.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';

/** Undefined when the connection has gone, or is no TCP connection. */
export type AddressOf = (request: IncomingMessage) => string | undefined;

const peerAddress: AddressOf = (request) => request.socket.remoteAddress;

/** Stands for whoever connects to a Unix socket. */
export const UNIX_PROXY = 'unix';

interface TrustedProxies {
  readonly addressOf: AddressOf;
  /** Whether a request comes from one of them, so that its `X-Forwarded-…` headers are to be believed. */
  readonly isProxied: (request: IncomingMessage) => boolean;
}

/** Networks as `parseNetwork` reads them, and `unix`. */
export function trustedProxies(names: readonly string[]): TrustedProxies {
  if (names.length === 0) return { addressOf: peerAddress, isProxied: () => false };
  const proxies = new BlockList();
  for (const text of names) {
    if (text === UNIX_PROXY) continue;
    const network = parseNetwork(text);
    if (network === undefined)
      throw new TypeError(`${JSON.stringify(text)} is neither an address nor a block`);
    proxies.addSubnet(network.address, network.prefix, network.family);
  }
  const trustsUnix = names.includes(UNIX_PROXY);
  const isProxy = (address: string): boolean => proxies.check(address, familyOf(address));
  const isProxied = ({ socket }: IncomingMessage): boolean => {
    const peer = socket.remoteAddress;
    return peer === undefined ? trustsUnix : isProxy(peer);
  };
  return {
    isProxied,
    addressOf: (request) => {
      const peer = request.socket.remoteAddress;
      const forwarded = request.headers['x-forwarded-for'] as string | undefined;
      if (forwarded === undefined || !isProxied(request)) return peer;
      return firstOutside(forwarded, isProxy) ?? peer;
    },
  };
}

/** The last address that is not one of a proxy. What is no address ends the search, as does the beginning. */
function firstOutside(forwarded: string, isProxy: (address: string) => boolean): string | undefined {
  let found: string | undefined;
  for (let end = forwarded.length; end >= 0;) {
    const comma = end === 0 ? -1 : forwarded.lastIndexOf(',', end - 1);
    const address = addressIn(forwarded.slice(comma + 1, end));
    if (address === undefined) break;
    found = address;
    if (!isProxy(address)) break;
    end = comma;
  }
  return found;
}

/** Some proxies write the port as well. */
function addressIn(text: string): string | undefined {
  const [, bracketed, plain = ''] = /^\s*(?:\[([^\]]+)\](?::\d+)?|(\S+?))\s*$/.exec(text) ?? [];
  const address = bracketed ?? plain.replace(/^([\d.]+):\d+$/, '$1');
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      // One series key for each.
      return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=[\d.]+$)/, '');
    default:
      return undefined;
  }
}

interface Network {
  readonly address: string;
  /** Bits that all its addresses have in common. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Reads an address or a CIDR block, such as 10.0.0.0/8 or fd00::/8. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', digits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (isIP(address) === 0) return undefined;
  const family = familyOf(address);
  const bits = family === 'ipv4' ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix <= bits ? { address, prefix, family } : undefined;
}

function familyOf(address: string): Network['family'] {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
