/** The subject alternative names of a certificate. */
import { isIPv6, SocketAddress } from 'node:net';

/** As Node writes them: `DNS:one, IP Address:FD00:0:0:0:0:0:0:1, URI:"a, b"`. */
export function namesIn(subjectAltName: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, type, quoted, plain] of subjectAltName.matchAll(
    /([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g,
  )) {
    const value = quoted === undefined ? plain! : (JSON.parse(quoted) as string);
    if (type === 'IP Address') names.add(canonicalName(value));
    else if (type === 'DNS' || type === 'email' || type === 'URI') names.add(value);
  }
  return names;
}

/** An IPv6 address as it is usually written. */
export function canonicalName(name: string): string {
  return isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name;
}
