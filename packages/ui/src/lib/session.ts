/** The token or password of who looks: in memory, and in the storage of this tab if that was asked for. Never in a URL, a cookie or a log. */

const KEY = 'prom-aggregation-gateway-authorization';

let current: string | undefined = stored();

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

export function isSignedIn(): boolean {
  return current !== undefined;
}

export function authorization(): Readonly<Record<string, string>> {
  return current === undefined ? {} : { Authorization: current };
}

export type Credentials = { readonly token: string } | { readonly user: string; readonly password: string };

export function signIn(credentials: Credentials, isKept: boolean): void {
  current = headerOf(credentials);
  if (isKept) sessionStorage.setItem(KEY, current);
}

export function signOut(): void {
  current = undefined;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then nothing is in it.
  }
}

function headerOf(credentials: Credentials): string {
  if ('token' in credentials) return `Bearer ${credentials.token.trim()}`;
  const bytes = new TextEncoder().encode(`${credentials.user}:${credentials.password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
