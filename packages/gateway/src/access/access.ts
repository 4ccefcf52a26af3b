/**
 * Who may come in and what they may do there, by a web configuration file and by the rules in force: asked by servers for each connection and
 * each request, before anything of its body is read.
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import { RequestError } from '../model/errors.ts';
import type { Role } from '../model/roles.ts';
import type { TokenRate, TokenRule } from '../rules/access.ts';
import type { RulesInForce } from '../rules/rules.ts';
import { Bcrypt } from './bcrypt.ts';
import { whyNotLetIn } from './client-certificates.ts';
import { basicIn, bearerIn, tokenInUrl } from './credentials.ts';
import type { Basic } from './credentials.ts';
import { Passwords } from './passwords.ts';
import { everything } from './principal.ts';
import type { Principal } from './principal.ts';
import { RequestRate } from './requests.ts';
import { Tokens } from './tokens.ts';
import type { Token } from './tokens.ts';
import type { TlsConfig, WebConfig } from './web-config.ts';

const noConfig: WebConfig = { tls: undefined, headers: [], users: new Map(), rateLimit: undefined };
const noTokens: readonly TokenRule[] = [];
const nothing: ReadonlySet<Role> = new Set();
/** What works without rules; the admin API and reloads need a token where there are some. */
const openRights: ReadonlySet<Role> = new Set(['push', 'delete', 'scrape', 'read']);

interface AccessDeps {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Since the Unix epoch. */
  readonly wallMs: () => number;
  readonly rules: Pick<RulesInForce, 'current'>;
}

interface VouchedFor {
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly isAmbient?: boolean | undefined;
}

export class Access {
  readonly #deps: AccessDeps;
  readonly #bcrypt = new Bcrypt();
  readonly #dearBcrypt = new Bcrypt();
  readonly #passwords: Passwords;
  readonly #rate: RequestRate;
  readonly #tokens: Tokens;
  readonly #onTls = new Set<(tls: TlsConfig) => void>();
  #config: WebConfig = noConfig;

  constructor(deps: AccessDeps) {
    this.#deps = deps;
    this.#passwords = new Passwords({ bcrypt: this.#bcrypt, dearBcrypt: this.#dearBcrypt, now: deps.now });
    this.#rate = new RequestRate(deps.now);
    this.#tokens = new Tokens(deps.now);
  }

  get config(): WebConfig {
    return this.#config;
  }

  /** Whether connections are encrypted does not change once servers listen, for the one or the other. */
  set config(config: WebConfig) {
    this.#config = config;
    this.#passwords.setUsers(config.users);
    this.#rate.set(config.rateLimit);
    if (config.tls !== undefined) for (const listener of this.#onTls) listener(config.tls);
  }

  /** Names and values by turns, for every reply. */
  get headers(): readonly string[] {
    return this.#config.headers;
  }

  /** Called with what holds from now on whenever that changes. */
  whenTlsChanges(listener: (tls: TlsConfig) => void): void {
    this.#onTls.add(listener);
  }

  /** Why a connection is not let in; undefined where it is. */
  whyNotLetIn(socket: TLSSocket): string | undefined {
    return this.#config.tls && whyNotLetIn(socket, this.#config.tls);
  }

  /** Whether pages of this origin may use some token. */
  isOriginOfToken(origin: string): boolean {
    this.#tokens.set(this.#deps.rules.current.access?.tokens ?? noTokens);
    return this.#tokens.hasOrigin(origin);
  }

  /** What is used of the rates of tokens. */
  tokenRates(): readonly TokenRate[] {
    this.#tokens.set(this.#deps.rules.current.access?.tokens ?? noTokens);
    return this.#tokens.rates();
  }

  /** Throws RequestError where too many requests come. */
  countRequest(): void {
    this.#rate.take();
  }

  /**
   * Who sends a request; undefined where everybody may do everything. Throws or rejects with RequestError for credentials that are wrong.
   * `address` is where it comes from.
   */
  identify(
    { url = '/', headers: { authorization } }: Pick<IncomingMessage, 'url' | 'headers'>,
    address: string,
  ): Principal | undefined | Promise<Principal> {
    const { access } = this.#deps.rules.current;
    const needsPassword = this.#passwords.areNeeded;
    if (access === undefined && !needsPassword) return undefined;
    this.#tokens.set(access?.tokens ?? noTokens);
    if (authorization === undefined) {
      const text = tokenInUrl(url);
      return text === undefined ? this.#anonymous() : this.#inUrl(this.#tokens.find(text));
    }
    const bearer = bearerIn(authorization);
    if (bearer !== undefined) return this.#principalOf(this.#tokens.find(bearer), false);
    const basic = basicIn(authorization);
    if (basic === undefined)
      throw unauthorized('the Authorization header is neither a Bearer token nor Basic');
    const token = this.#tokens.find(basic.password);
    if (token !== undefined || !needsPassword) return this.#principalOf(token, true);
    return this.#userOf(basic, address);
  }

  #anonymous(): Principal {
    const may =
      this.#deps.rules.current.access?.anonymous ?? (this.#passwords.areNeeded ? nothing : openRights);
    return { name: undefined, may, token: undefined, isAmbient: false };
  }

  #inUrl(token: Token | undefined): Principal {
    if (token !== undefined && !token.rule.inUrl)
      throw unauthorized(
        `token ${token.rule.name} may not come in the URL; send it as Authorization: Bearer, or set in_url`,
      );
    return this.#principalOf(token, false);
  }

  #principalOf(token: Token | undefined, isAmbient: boolean): Principal {
    if (token === undefined) throw unauthorized('the token is not known');
    const { name, may, expiresMs = Number.POSITIVE_INFINITY } = token.rule;
    if (this.#deps.wallMs() > expiresMs)
      throw unauthorized(`token ${name} has expired: it was good until ${new Date(expiresMs).toISOString()}`);
    return { name: `token ${name}`, may, token, isAmbient };
  }

  #userOf(basic: Basic, address: string): Principal | Promise<Principal> {
    const { user } = basic;
    const principal = this.#named(user);
    return this.#passwords.check(basic, address)?.then(() => principal) ?? principal;
  }

  #named(user: string): Principal {
    const may = this.#deps.rules.current.access?.users.get(user) ?? everything;
    return { name: `user ${user}`, may, token: undefined, user, isAmbient: true };
  }

  /**
   * Who sends a request that another member of the cluster has let in, by what it found; `token` is a digest. What they may do is said here.
   * Undefined as with `identify`. Throws RequestError where they are not known.
   */
  vouchedFor({ token, user, isAmbient = false }: VouchedFor): Principal | undefined {
    const { access } = this.#deps.rules.current;
    if (access === undefined && !this.#passwords.areNeeded) return undefined;
    this.#tokens.set(access?.tokens ?? noTokens);
    if (token !== undefined) return this.#principalOf(this.#tokens.findBySha256(token), isAmbient);
    return user === undefined ? this.#anonymous() : this.#named(user);
  }

  async close(): Promise<void> {
    await Promise.all([this.#bcrypt.close(), this.#dearBcrypt.close()]);
  }
}

function unauthorized(message: string): RequestError {
  return new RequestError('unauthorized', message);
}
