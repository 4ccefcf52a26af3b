/** Every view is a URL: what follows `#`, as a path and a query. */

export interface Place {
  /** Decoded, without empty ones. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export function placeOf(hash: string): Place {
  const text = hash.replace(/^#?\/?/, '');
  const at = text.indexOf('?');
  const path = at === -1 ? text : text.slice(0, at);
  const parts = path.split('/').filter((part) => part !== '');
  return { parts: parts.map(decoded), query: new URLSearchParams(at === -1 ? '' : text.slice(at + 1)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** What is undefined or empty is left out. */
export function hashOf(parts: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  // Half a surrogate pair cannot be encoded.
  const path = parts
    .map((part) => encodeURIComponent(part.replaceAll(/\p{Surrogate}/gu, '\uFFFD')))
    .join('/');
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}
