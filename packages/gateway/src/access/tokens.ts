/** Tokens of the configuration file, found by what a request brings. */
import { createHash, timingSafeEqual } from 'node:crypto';

import { RequestError } from '../model/errors.ts';
import type { TokenRate, TokenRule } from '../rules/access.ts';
import type { SeriesAllowance } from '../rules/series-limit.ts';
import { Bucket } from './bucket.ts';

/** Bodies that may come at once, in seconds of what `bytes_per_second` allows. */
const BYTES_SECONDS = 10;

const HOUR_SECONDS = 3600;

/** Tokens that are known by their texts; of wrong ones none is. */
const TEXTS_MAX = 1000;

/** A token, and what was pushed with it lately. */
export interface Token {
  readonly rule: TokenRule;
  readonly digest: Buffer;
  readonly pushes: Bucket | undefined;
  readonly bytes: Bucket | undefined;
  readonly newSeries: Bucket | undefined;
  readonly allowance: SeriesAllowance;
}

export class Tokens {
  readonly #now: () => number;
  #byDigest = new Map<string, Token>();
  /** Those that were right lately: a digest costs a tenth of a small push. */
  readonly #byText = new Map<string, Token>();
  /** Whose pages may use some token. */
  #origins: ReadonlySet<string> = new Set();
  #of: readonly TokenRule[] = [];

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is left of a limit stays where a token has the same limits as before. */
  set(rules: readonly TokenRule[]): void {
    if (rules === this.#of) return;
    this.#of = rules;
    this.#byText.clear();
    this.#origins = new Set(rules.flatMap(({ origins = [] }) => origins));
    const before = this.#byDigest;
    this.#byDigest = new Map(
      rules.map((rule) => [rule.sha256, this.#tokenOf(rule, before.get(rule.sha256))]),
    );
  }

  hasOrigin(origin: string): boolean {
    return this.#origins.has(origin);
  }

  /** Undefined where there is none. */
  find(text: string): Token | undefined {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const found = this.#findByDigest(text);
    if (found === undefined) return undefined;
    if (this.#byText.size >= TEXTS_MAX) this.#byText.clear();
    this.#byText.set(text, found);
    return found;
  }

  /** By its digest, in hexadecimal. */
  findBySha256(sha256: string): Token | undefined {
    return this.#byDigest.get(sha256);
  }

  /** What is used of the rates of all of them. */
  rates(): readonly TokenRate[] {
    return [...this.#byDigest.values()].flatMap(ratesOf);
  }

  #findByDigest(text: string): Token | undefined {
    const digest = createHash('sha256').update(text).digest();
    const found = this.#byDigest.get(digest.toString('hex'));
    return found !== undefined && timingSafeEqual(found.digest, digest) ? found : undefined;
  }

  #tokenOf(rule: TokenRule, before: Token | undefined): Token {
    const { pushesPerSecond, burst = pushesPerSecond, bytesPerSecond } = rule.limits;
    const { seriesMax, newSeriesPerHour: newPerHour, onLimit } = rule.limits;
    const bucket = (
      perSecond: number | undefined,
      most: number,
      known: Bucket | undefined,
    ): Bucket | undefined => {
      if (perSecond === undefined) return undefined;
      return known?.has(perSecond, most) === true ? known : new Bucket(this.#now, perSecond, most);
    };
    const newSeries = bucket(newPerHour && newPerHour / HOUR_SECONDS, newPerHour ?? 0, before?.newSeries);
    return {
      rule,
      digest: Buffer.from(rule.sha256, 'hex'),
      pushes: bucket(pushesPerSecond, burst ?? 0, before?.pushes),
      bytes: bucket(bytesPerSecond, (bytesPerSecond ?? 0) * BYTES_SECONDS, before?.bytes),
      newSeries,
      allowance: { token: rule.name, seriesMax, newPerHour, newLeft: newSeries, onLimit },
    };
  }
}

function ratesOf({ rule: { name: token, limits }, pushes, bytes, newSeries }: Token): readonly TokenRate[] {
  const rate = (
    name: TokenRate['name'],
    bucket: Bucket | undefined,
    onLimit: TokenRate['onLimit'] = 'refuse',
  ): readonly TokenRate[] => {
    if (bucket === undefined) return [];
    const { most: max } = bucket;
    return [{ token, name, used: Math.max(max - bucket.left, 0), max, onLimit }];
  };
  return [
    ...rate('pushes_per_second', pushes),
    ...rate('bytes_per_second', bytes),
    ...rate('new_series_per_hour', newSeries, limits.onLimit),
  ];
}

/** Throws RequestError for a push that comes too soon after others with the same token. */
export function takePush({ rule, pushes, bytes }: Token): void {
  const { name, limits } = rule;
  if (pushes?.take(1) === false)
    throw tooMany(
      `token ${name} may push ${limits.pushesPerSecond} times a second (pushes_per_second); retry later`,
    );
  if (bytes !== undefined && bytes.left <= 0)
    throw tooMany(
      `token ${name} may push ${limits.bytesPerSecond} bytes a second (bytes_per_second); retry later`,
    );
}

/** To be called once it is known how large a body is, decompressed: the next push waits for what this one took. */
export function takeBytes({ bytes }: Token, count: number): void {
  bytes?.overdraw(count);
}

function tooMany(message: string): RequestError {
  return new RequestError('too_many_requests', message);
}
