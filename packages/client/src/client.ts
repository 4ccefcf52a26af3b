/** The client: when what was counted becomes batches, and when these are sent. */
import { createRegistry } from './metrics.ts';
import type { Labels, Registry } from './metrics.ts';
import { createSender, elapsed, later } from './sender.ts';
import type { Batch, Drop, Report, Store } from './sender.ts';

export interface GatewayOptions {
  /** Of the gateway's configuration file, with `in_url: true`. Everybody who opens the page can read it. */
  readonly token?: string;
  /** Of every series. */
  readonly labels?: Labels<string>;
  /** Between batches; 5 s by default. What is new when the page is hidden is sent at once. */
  readonly intervalMs?: number;
  /** Of what waits for the gateway, in characters; 256 Ki by default. Past it the oldest is dropped, and reported. */
  readonly charsMax?: number;
  /** The part of all pages that count at all, from 0 to 1; drawn once. Nothing is multiplied by it. */
  readonly sample?: number;
  /** Keeps batches for when the page is gone; see `persist`. */
  readonly store?: Store;
  /** Is called with what was not counted; without it, that is a warning on the console. */
  readonly onDrop?: (drop: Drop) => void;
}

export interface Gateway extends Pick<Registry, 'counter' | 'histogram' | 'gauge'> {
  /** How often something was counted, observed or set that was reported to `onDrop`. */
  dropped(): number;
  /**
   * Sends what is new and what waits. Resolves with whether nothing waits any more; never rejects. Without a time each batch is tried once, otherwise for so
   * long.
   */
  flush(timeoutMs?: number): Promise<boolean>;
}

/** Series with something new that are held before they become a batch. */
const SERIES_MAX = 1_000;

function endpointOf(url: string, token: string | undefined): string {
  const path = url.replace(/^(\w+:\/\/[^/?]+)\/?$/, '$1/metrics/');
  return `${path}${path.includes('?') ? '&' : '?'}${token ? `token=${encodeURIComponent(token)}&` : ''}`;
}

/**
 * Metrics that are pushed to a gateway. `url` is that of the gateway, or of a path below its push path, such as
 * `https://metrics.example/metrics/job/shop`.
 *
 * @example
 * const metrics = gateway('https://metrics.example', { labels: { app: 'shop' } });
 * const clicks = metrics.counter({ name: 'web_clicks_total', help: 'Clicks.', labelNames: ['button'] });
 * clicks.inc({ button: 'buy' });
 */
export function gateway(url: string, options: GatewayOptions = {}): Gateway {
  const { intervalMs = 5_000, charsMax = 2 ** 18, sample = 1, store } = options;
  const isSampled = Math.random() < sample;
  let dropped = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the batches that the next cut makes. */
  const keys: string[] = [];
  let isDrafting = false;

  const report: Report = (reason, updates, detail, mayBeCounted = false) => {
    dropped += updates;
    const drop = { reason, updates, detail, mayBeCounted };
    try {
      if (options.onDrop) options.onDrop(drop);
      else console.warn('metrics dropped', drop);
    } catch {
      // It is the application's.
    }
  };

  const registry = createRegistry(
    options.labels ?? {},
    () => {
      if (!isSampled) return void registry.cut();
      try {
        timer ??= later(tick, intervalMs);
      } catch {
        // Cloudflare has no timers outside of a request; then `flush` sends it.
      }
      if (registry.size() >= SERIES_MAX) freeze();
      else if (store && !isDrafting) {
        isDrafting = true;
        queueMicrotask(draft);
      }
    },
    (updates, detail) => report('invalid', updates, detail),
  );

  const sender = createSender(endpointOf(String(url), options.token), charsMax, store, report);

  const cut = (onlyLooks: boolean): Batch[] =>
    registry.cut(onlyLooks).map((piece, at) => ({
      ...piece,
      key: (keys[at] ??= crypto.getRandomValues(new Uint32Array(4)).join('-')),
    }));

  /** What is new is kept as it is now, should the page end before it becomes a batch. */
  function draft(): void {
    isDrafting = false;
    for (const batch of cut(true)) store?.save(batch, undefined);
  }

  /** From here on it does not change any more. */
  function freeze(): void {
    const batches = cut(false);
    for (const key of keys.splice(0).slice(batches.length)) store?.remove(key);
    for (const batch of batches) sender.add(batch);
  }

  function tick(): void {
    timer = undefined;
    // While the gateway cannot be reached, what is new comes together: that takes no more room, however long it lasts.
    if (sender.size() === 0) freeze();
    else if (registry.size() > 0) timer = later(tick, intervalMs);
    sender.pump();
  }

  function sendNow(): void {
    freeze();
    sender.pump(true);
  }

  async function flush(timeoutMs = 0): Promise<boolean> {
    const endMs = elapsed() + timeoutMs;
    for (;;) {
      sendNow();
      await sender.settled();
      if (sender.size() === 0) return true;
      const waitMs = sender.waitMs();
      if (elapsed() + waitMs >= endMs) return false;
      await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
    }
  }

  if (typeof document === 'object') {
    document.addEventListener('visibilitychange', () =>
      document.visibilityState === 'hidden' ? sendNow() : sender.pump(),
    );
    addEventListener('pagehide', sendNow);
    addEventListener('online', () => sender.pump(true));
  }

  return { ...registry, dropped: () => dropped, flush };
}
