/** What a web configuration file says, in force: asked by servers for each connection and each request, and changed as the file is. */
import type { TLSSocket } from 'node:tls';

import { Bcrypt } from './bcrypt.ts';
import { whyNotLetIn } from './client-certificates.ts';
import { Passwords } from './passwords.ts';
import { RequestRate } from './requests.ts';
import type { TlsConfig, WebConfig } from './web-config.ts';

export class WebAccess {
  readonly #bcrypt = new Bcrypt();
  readonly #passwords: Passwords;
  readonly #rate: RequestRate;
  readonly #onTls = new Set<(tls: TlsConfig) => void>();
  #config: WebConfig;

  /** `now` is in milliseconds that never go back. */
  constructor(config: WebConfig, now: () => number) {
    this.#passwords = new Passwords({ bcrypt: this.#bcrypt, now });
    this.#rate = new RequestRate(now);
    this.#config = config;
    this.#begin();
  }

  get config(): WebConfig {
    return this.#config;
  }

  /** Whether connections are encrypted does not change: servers listen for the one or the other. */
  set config(config: WebConfig) {
    this.#config = config;
    this.#begin();
    if (config.tls !== undefined) for (const listener of this.#onTls) listener(config.tls);
  }

  #begin(): void {
    const { users, rateLimit } = this.#config;
    this.#passwords.setUsers(users);
    this.#rate.set(rateLimit);
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

  /** Throws or rejects with RequestError for a request that may not come in; undefined for one that may at once. `address` is who sends it. */
  check(authorization: string | undefined, address: string): Promise<void> | undefined {
    this.#rate.take();
    return this.#passwords.areNeeded ? this.#passwords.check(authorization, address) : undefined;
  }

  close(): Promise<void> {
    return this.#bcrypt.close();
  }
}
