/**
 * Batches on their way. A batch is a text that does not change any more, under a random key: it is sent until the gateway has taken or refused it, and
 * however often it arrives, it counts once. A retry says how long ago the first attempt was, so that the gateway can tell when it may have
 * forgotten the key.
 */

export interface Batch {
  readonly key: string;
  readonly text: string;
  /** How often something was counted, observed or set. */
  readonly updates: number;
}

/** Keeps batches for when the page is gone. `persist` makes one that uses localStorage. Nothing may be thrown. */
export interface Store {
  /** Called once: `adopt` takes what earlier pages left, at any time; `release` is for a batch that another page has adopted. */
  open(adopt: (batch: Batch, ageMs: number | undefined) => void, release: (key: string) => void): void;
  /** In the place of what it kept under the same key. `ageMs` says how long ago it was sent for the first time; undefined if it was not. */
  save(batch: Batch, ageMs: number | undefined): void;
  remove(key: string): void;
}

/** What was not counted, or perhaps was. */
export interface Drop {
  /** How often something was counted, observed or set. */
  readonly updates: number;
  /**
   * `invalid`: it cannot be pushed. `full`: there was no space for it, as the gateway could not be reached. `refused`: the gateway has refused it.
   * `forgotten`: it is older than what the gateway remembers, so that it might have counted it twice.
   */
  readonly reason: 'invalid' | 'full' | 'refused' | 'forgotten';
  /** For people. */
  readonly detail: string;
  /** An earlier attempt was not answered, so that it may have been counted all the same. */
  readonly mayBeCounted: boolean;
}

export type Report = (
  reason: Drop['reason'],
  updates: number,
  detail: string,
  mayBeCounted?: boolean,
) => void;

interface Queued extends Batch {
  /** By `elapsed`; undefined until then. */
  firstMs: number | undefined;
  lastMs?: number;
}

export interface Sender {
  /** Batches that wait or are under way. */
  readonly size: () => number;
  readonly add: (batch: Batch) => void;
  /** Sends what may be sent now. If it is urgent, it waits for nothing but the time that the gateway has asked for. */
  readonly pump: (isUrgent?: boolean) => void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Until the next attempt may be made. */
  waitMs(): number;
}

/**
 * Browsers let 64 KiB be under way while a page ends, for all of its requests together. So these are few, and all of them may be as long as
 * one may be, BATCH_BYTES_MAX.
 */
const REQUESTS_MAX = 4;
/** Then an attempt is broken off. It may arrive until then, so it is part of the age. */
const ATTEMPT_MS = 10_000;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const RETRY_AFTER_MAX_MS = 3_600_000;

/** Of all senders of the page. */
const underWay = new Set<Queued>();
/** Of those for which there was no space among them. */
const waiting = new Set<() => void>();

let elapsedMs = 0;
let lastWall = Date.now();
let lastMono = performance.now();

/**
 * Milliseconds by whichever clock goes faster: one stands still while a device sleeps, the other one may be set. What is too old is reported, and what
 * seems too young could be counted twice.
 */
export function elapsed(): number {
  const wall = Date.now();
  const mono = performance.now();
  elapsedMs += Math.max(0, wall - lastWall, mono - lastMono);
  lastWall = wall;
  lastMono = mono;
  return elapsedMs;
}

/** A timer that keeps no process alive. */
export function later(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer: unknown = setTimeout(run, ms);
  (timer as { unref?: () => void }).unref?.();
  return timer as ReturnType<typeof setTimeout>;
}

/** Some runtimes refuse what only browsers know. */
function initOf(): RequestInit {
  const init: RequestInit = { method: 'POST', credentials: 'omit', keepalive: true };
  try {
    init.keepalive = new Request('https://a.invalid', init).keepalive;
    return init;
  } catch {
    return { method: 'POST' };
  }
}

/** Parameters are appended to `url`. No more than `charsMax` wait. */
export function createSender(
  url: string,
  charsMax: number,
  store: Store | undefined,
  report: Report,
): Sender {
  /** In the order in which they came. */
  const queue = new Set<Queued>();
  const own = new Set<Promise<void>>();
  let init: RequestInit | undefined;
  let failures = 0;
  /** The gateway has asked for it, or it is what a failure costs. */
  let notBeforeMs = 0;
  let retryMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function leave(batch: Queued): void {
    queue.delete(batch);
    store?.remove(batch.key);
  }

  function enqueue(batch: Batch, ageMs?: number): void {
    const firstMs = ageMs === undefined ? ageMs : elapsed() - ageMs;
    queue.add({ ...batch, firstMs });
    store?.save(batch, ageMs);
    let chars = 0;
    for (const { text } of queue) chars += text.length;
    for (const oldest of queue) {
      if (chars <= charsMax || underWay.has(oldest)) continue;
      chars -= oldest.text.length;
      leave(oldest);
      report('full', oldest.updates, `more than ${charsMax} wait`, oldest.firstMs !== undefined);
    }
  }

  async function attempt(batch: Queued, isUrgent: boolean): Promise<void> {
    const isRetry = batch.firstMs !== undefined;
    const ageMs = elapsed() - (batch.firstMs ??= elapsed());
    const age = isRetry ? `&first-attempt-age=${Math.ceil((ageMs + ATTEMPT_MS) / 1000)}` : '';
    const target = `${url}idempotency-key=${batch.key}${age}`;
    store?.save(batch, ageMs);
    init ??= initOf();
    if (isUrgent && !init.keepalive && globalThis.document?.visibilityState === 'hidden') {
      // It says whether the browser will try, and never what came of it: so the batch stays.
      navigator.sendBeacon(target, batch.text);
      retryMs = elapsed() + BACKOFF_MS;
      return;
    }
    batch.lastMs = elapsed();
    underWay.add(batch);
    let status = 0;
    let detail = '';
    let afterMs = 0;
    try {
      const aborts = new AbortController();
      later(() => aborts.abort(), ATTEMPT_MS);
      const reply = await fetch(target, { ...init, body: batch.text, signal: aborts.signal });
      ({ status } = reply);
      const after = reply.headers.get('retry-after') ?? '';
      // A date or seconds.
      const askedMs = /\D/.test(after) ? Date.parse(after) - Date.now() : Number(after) * 1000;
      afterMs = Math.min(Math.max(askedMs || 0, 0), RETRY_AFTER_MAX_MS);
      detail = (await reply.text()).slice(0, 500);
    } catch {
      // What is not known yet says that there was no answer.
    }
    underWay.delete(batch);
    // Another page has it.
    if (!queue.has(batch)) return;
    const family = Math.floor(status / 100);
    // Of 408, 425 and 429 the push itself is not the reason.
    if (family === 2 || (family === 4 && ![408, 425, 429].includes(status))) {
      failures = 0;
      retryMs = notBeforeMs;
      leave(batch);
      if (family === 4)
        report(status === 409 ? 'forgotten' : 'refused', batch.updates, `${status} ${detail}`, isRetry);
      return;
    }
    const now = elapsed();
    // Those that were under way together have failed once.
    if (now >= retryMs) failures += 1;
    const backoffMs = Math.min(BACKOFF_MS * 2 ** (failures - 1), BACKOFF_MAX_MS) * (0.5 + Math.random());
    notBeforeMs = Math.max(notBeforeMs, now + afterMs);
    // Not all pages at once when the time is over that all were asked to wait.
    retryMs = Math.max(retryMs, now + backoffMs, notBeforeMs + Math.min(backoffMs, afterMs));
  }

  function pump(isUrgent = false): void {
    clearTimeout(timer);
    if (!queue.size) return;
    // Some runtimes end a request with all that it has begun, so that nothing comes of it.
    for (const batch of underWay) if (elapsed() - batch.lastMs! > 2 * ATTEMPT_MS) underWay.delete(batch);
    const waitMs = (isUrgent ? notBeforeMs : retryMs) - elapsed();
    if (waitMs > 0) timer = later(pump, waitMs);
    else
      for (const batch of queue) {
        // When it has failed, one finds out whether the gateway is there again.
        if (failures && !isUrgent && own.size) break;
        if (underWay.has(batch)) continue;
        if (underWay.size >= REQUESTS_MAX) {
          waiting.add(pump);
          break;
        }
        const done = (): void => {
          own.delete(attempted);
          pump();
          const others = [...waiting];
          waiting.clear();
          for (const each of others) each();
        };
        const attempted = attempt(batch, isUrgent).then(done, done);
        own.add(attempted);
      }
  }

  store?.open(
    (batch, ageMs) => {
      enqueue(batch, ageMs);
      pump();
    },
    (key) => {
      for (const batch of queue) if (batch.key === key) queue.delete(batch);
    },
  );
  return {
    size: () => queue.size,
    add: enqueue,
    pump,
    async settled() {
      while (own.size > 0) await Promise.all(own);
    },
    waitMs: () => Math.max(0, retryMs - elapsed()),
  };
}
