/** What a request says of who sends it. */

/** Longer passwords are wrong: bcrypt looks at 72 bytes, and tokens are shorter. */
const CHARS_MAX = 1024;

export interface Basic {
  readonly user: string;
  readonly password: string;
}

/** The token of `Bearer …`; undefined for all else. */
export function bearerIn(authorization: string): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1];
}

/** Undefined for what is not `Basic …`. */
export function basicIn(authorization: string): Basic | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0 || decoded.length > CHARS_MAX) return undefined;
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** The parameter `token` of a request target; undefined where there is none. The last one counts, as nobody writes two. */
export function tokenInUrl(url: string): string | undefined {
  const query = url.indexOf('?');
  if (query < 0 || !url.includes('token', query)) return undefined;
  return new URLSearchParams(url.slice(query + 1)).getAll('token').at(-1);
}
