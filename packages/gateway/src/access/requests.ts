/** How often requests may come, all together, as exporter-toolkit's rate_limit. */
import { RequestError } from '../model/errors.ts';
import { Bucket } from './bucket.ts';
import type { RateLimit } from './web-config.ts';

export class RequestRate {
  readonly #now: () => number;
  #bucket: Bucket | undefined;

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  set(limit: RateLimit | undefined): void {
    if (limit === undefined) this.#bucket = undefined;
    else {
      const perSecond = 1000 / limit.intervalMs;
      if (this.#bucket?.has(perSecond, limit.burst) !== true)
        this.#bucket = new Bucket(this.#now, perSecond, limit.burst);
    }
  }

  /** Throws RequestError. */
  take(): void {
    if (this.#bucket?.take(1) !== false) return;
    throw new RequestError(
      'too_many_requests',
      'more requests than rate_limit of the web configuration allows; retry later',
    );
  }
}
