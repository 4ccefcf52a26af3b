/**
 * Who is behind a connection, as far as sharing goes: an IPv4 address, or the first 64 bits of an IPv6 address, as one host has all
 * addresses below them.
 */
export function senderOf(address: string | undefined): string {
  if (address === undefined || address.includes('.')) return address ?? '';
  const groups = address.split('::')[0]!.split(':').slice(0, 4);
  while (groups.at(-1) === '0') groups.pop();
  return groups.join(':');
}
