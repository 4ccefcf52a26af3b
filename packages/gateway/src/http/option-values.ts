/** Values of options that are about HTTP, as they are written on the command line. */
import type { Parsed } from '../primitives/duration.ts';
import { parseNetwork, UNIX_PROXY } from './senders/client-address.ts';

/** Reads `*` or an exact origin, as browsers send it: scheme, host and port, nothing else. */
export function parseOrigin(text: string): Parsed<string> {
  if (text === '*') return { value: text };
  const problem = `${JSON.stringify(text)} is not an origin`;
  if (/^[a-z]+:\/\/[^/]+\/$/.test(text)) return { problem: `${problem}; remove the trailing slash` };
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]+$/i.test(text)) {
    return { problem: `${problem}; write it like https://shop.example, or *` };
  }
  // It is compared letter by letter with what browsers send: lower case, and without the port that the scheme implies.
  const sent = originOf(text);
  if (sent === undefined) return { problem: `${problem}; invalid host or port` };
  return sent === text ? { value: text } : { problem: `${problem} as browsers send it; write ${sent}` };
}

/** What a browser sends for a page of this address; other schemes than those of the web stand as they are. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  return origin === 'null' ? text : origin;
}

/** Reads `*` or what a Host header may say: a name or an address, with or without a port. */
export function parseHostName(text: string): Parsed<string> {
  if (text === '*' || /^(?:\[[\da-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?$/.test(text))
    return { value: text.toLowerCase() };
  return {
    problem: `${JSON.stringify(text)} is not a host; write it like metrics.example, 10.0.0.1:9091 or [::1], or *`,
  };
}

/** Reads an address or a CIDR block, or the word for Unix sockets. */
export function parseProxy(text: string): Parsed<string> {
  if (text === UNIX_PROXY || parseNetwork(text) !== undefined) return { value: text };
  return {
    problem: `${JSON.stringify(text)} is not an address or block of addresses; write it like 10.0.0.1, 10.0.0.0/8, fd00::/8 or unix, or none`,
  };
}

/** Reads the URL by which others reach the gateway, without a slash at its end; empty for none. */
export function parseExternalUrl(text: string): Parsed<string> {
  if (text === '') return { value: '' };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (!isPlain || !/^https?:$/.test(url.protocol))
    return { problem: `${JSON.stringify(text)} is not a URL; write it like https://metrics.example/gateway` };
  return { value: url.href.replace(/\/+$/, '') };
}

/** Reads a path without a slash at its end; empty for none. */
export function parsePrefix(text: string): Parsed<string> {
  if (/^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*\/?$/.test(text)) return { value: text.replace(/\/$/, '') };
  return { problem: `${JSON.stringify(text)} is not a path prefix; write it like /gateway` };
}
