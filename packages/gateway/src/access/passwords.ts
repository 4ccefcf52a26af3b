/**
 * Who may come in by name and password. A password that was right is remembered, so that whoever has one pays bcrypt once; all else costs
 * its sender more than the gateway: few comparisons at a time, and few wrong passwords for each address.
 */
import { createHmac, randomBytes } from 'node:crypto';

import { RequestError } from '../model/errors.ts';
import type { Bcrypt } from './bcrypt.ts';
import type { Basic } from './credentials.ts';

/** Right passwords that are remembered, as digests. */
const RIGHT_MAX = 1000;
/** A hash of this cost takes a quarter of a second or so; those above it are dear. */
const COST_USUAL = 12;
/** Comparisons that wait, in all and of one address. */
const WAITING_MAX = 64;
const WAITING_EACH = 2;
/** Wrong passwords that an address may send at once, and how long it takes until it may send one more. */
const WRONG_AT_ONCE = 10;
const WRONG_EVERY_MS = 6_000;
/** Addresses of which wrong passwords are counted; past it, the one that is counted for longest is forgotten. */
const ADDRESSES_MAX = 10_000;
/** What a password is held against where there is no such user: of no password that anybody has. */
const NOBODYS = '.'.repeat(53);

/** Of one address: from when on it may send another wrong password, counted back by those it may send at once. */
interface Attempts {
  fullMs: number;
  waiting: number;
}

interface PasswordsDeps {
  readonly bcrypt: Pick<Bcrypt, 'isRight' | 'waiting'>;
  /** For hashes that take long, so that users of others do not wait for them. */
  readonly dearBcrypt: Pick<Bcrypt, 'isRight' | 'waiting'>;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

export class Passwords {
  readonly #deps: PasswordsDeps;
  /** Digests of hash and password, the one used last at the end. */
  readonly #right = new Set<string>();
  /** So that a digest says nothing to who reads the memory of another process. */
  readonly #secret = randomBytes(32);
  /** Under way, by the same digests: who sends a password many times at once has it compared once. */
  readonly #comparisons = new Map<string, Promise<boolean>>();
  readonly #attempts = new Map<string, Attempts>();
  #users: ReadonlyMap<string, string> = new Map();
  /** Of all hashes. */
  #costs: readonly string[] = [];

  constructor(deps: PasswordsDeps) {
    this.#deps = deps;
  }

  /** bcrypt hashes by user. Passwords that were right stay so for users with the same hash: a flood is not to lock them out when a file changes. */
  setUsers(users: ReadonlyMap<string, string>): void {
    this.#users = users;
    this.#costs = [...users.values()].map((hash) => hash.split('$')[2]!);
  }

  get areNeeded(): boolean {
    return this.#users.size > 0;
  }

  /**
   * Undefined for who is known to be right, and else a promise that rejects with RequestError for who is wrong. `address` is who tries.
   */
  check({ user, password }: Basic, address: string): Promise<void> | undefined {
    const known = this.#users.get(user);
    const hash = known ?? this.#nobodys(user);
    const digest = this.#digestOf(user, hash, password);
    if (known !== undefined && this.#right.delete(digest)) {
      this.#right.add(digest);
      return undefined;
    }
    const comparison = this.#comparisons.get(digest) ?? this.#compare(password, hash, address);
    this.#comparisons.set(digest, comparison);
    return this.#decide(comparison, digest, known !== undefined);
  }

  async #decide(comparison: Promise<boolean>, digest: string, isUser: boolean): Promise<void> {
    try {
      if (!(await comparison) || !isUser) throw wrong('the user name or the password is wrong');
    } finally {
      this.#comparisons.delete(digest);
    }
    this.#remember(digest);
  }

  /** As dear as the hash of one of the users, always the same one, so that the time it takes does not tell who is a user. */
  #nobodys(user: string): string {
    const which = createHmac('sha256', this.#secret).update(user).digest().readUInt32LE();
    return `$2y$${this.#costs[which % this.#costs.length]}$${NOBODYS}`;
  }

  async #compare(password: string, hash: string, address: string): Promise<boolean> {
    const attempts = this.#attemptsOf(address);
    const { now } = this.#deps;
    const bcrypt = costOf(hash) > COST_USUAL ? this.#deps.dearBcrypt : this.#deps.bcrypt;
    const aheadMs = attempts.fullMs - now();
    if (aheadMs > (WRONG_AT_ONCE - 1) * WRONG_EVERY_MS || attempts.waiting >= WAITING_EACH)
      throw new RequestError('too_many_attempts', 'too many wrong passwords from this address; retry later');
    if (bcrypt.waiting >= WAITING_MAX)
      throw new RequestError('overloaded', 'too many passwords are being checked; retry later');
    attempts.waiting += 1;
    // Counted before it is known: who sends many at once is to get no more of them.
    attempts.fullMs = Math.max(attempts.fullMs, now()) + WRONG_EVERY_MS;
    try {
      const isRight = await bcrypt.isRight(password, hash);
      if (isRight) attempts.fullMs -= WRONG_EVERY_MS;
      return isRight;
    } finally {
      attempts.waiting -= 1;
    }
  }

  #remember(digest: string): void {
    if (this.#right.size >= RIGHT_MAX) {
      for (const oldest of this.#right) {
        this.#right.delete(oldest);
        break;
      }
    }
    this.#right.add(digest);
  }

  /** Of other users or another hash it is another one. */
  #digestOf(user: string, hash: string, password: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64');
  }

  #attemptsOf(address: string): Attempts {
    let known = this.#attempts.get(address);
    if (known === undefined) {
      known = { fullMs: 0, waiting: 0 };
      if (this.#attempts.size >= ADDRESSES_MAX) this.#forgetOne();
    } else this.#attempts.delete(address);
    this.#attempts.set(address, known);
    return known;
  }

  #forgetOne(): void {
    for (const [address, { waiting }] of this.#attempts) {
      if (waiting > 0) continue;
      this.#attempts.delete(address);
      return;
    }
  }
}

function costOf(hash: string): number {
  return Number(hash.split('$')[2]);
}

function wrong(message: string): RequestError {
  return new RequestError('unauthorized', message);
}
