/** How often requests may come, all together: a bucket of tokens, as exporter-toolkit's rate_limit. */
import { RequestError } from '../model/errors.ts';
import type { RateLimit } from './web-config.ts';

export class RequestRate {
  readonly #now: () => number;
  #limit: RateLimit | undefined;
  /** When the bucket was last looked at, and what was in it. */
  #atMs = 0;
  #tokens = 0;

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  set(limit: RateLimit | undefined): void {
    const { intervalMs, burst } = limit ?? {};
    if (intervalMs === this.#limit?.intervalMs && burst === this.#limit?.burst) return;
    this.#limit = limit;
    this.#atMs = this.#now();
    this.#tokens = burst ?? 0;
  }

  /** Throws RequestError. */
  take(): void {
    if (this.#limit === undefined) return;
    const nowMs = this.#now();
    const gained = (nowMs - this.#atMs) / this.#limit.intervalMs;
    this.#tokens = Math.min(this.#tokens + gained, this.#limit.burst);
    this.#atMs = nowMs;
    if (this.#tokens < 1)
      throw new RequestError(
        'too_many_requests',
        'more requests than rate_limit of the web configuration allows; retry later',
      );
    this.#tokens -= 1;
  }
}
