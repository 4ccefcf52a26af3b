/** The list of pushes as they come: the newest first, so many of them, and no more renders than a screen can show. */
import { useEffect, useReducer, useRef } from 'preact/hooks';

import { ApiError, data, events, withQuery } from '../lib/api.ts';
import { secondsOf } from '../lib/format.ts';
import { useStable } from '../lib/hooks.ts';
import type { PushEvent, Refusal } from '../lib/types.ts';

const KEPT_MAX = 200;
const RENDER_MS = 200;
const RETRY_MS = 2_000;
const RATE_SECONDS = 10;
const REFUSALS_SHOWN = 50;
const OWN_REFUSALS_MS = 3_000;

export interface FeedEntry {
  readonly id: number;
  readonly seconds: number;
  readonly push?: PushEvent;
  readonly refusal?: Refusal;
}

export interface Feed {
  readonly entries: readonly FeedEntry[];
  readonly state: 'connecting' | 'open' | 'lost';
  readonly error: ApiError | undefined;
  /** Pushes that came while the page was open. */
  readonly seen: number;
  /** Per second, of the last seconds. */
  readonly rate: number;
}

const ARRIVED_MAX = 50_000;

/** A ring of what came, from which nothing is rendered by itself. */
export class FeedLog {
  entries: FeedEntry[] = [];
  seen = 0;
  #nextId = 0;
  #arrived: { readonly now: number; readonly count: number }[] = [];

  /** `missed` pushes came beside it that are not shown. */
  add(entry: Omit<FeedEntry, 'id'>, missed: number, now: number): void {
    this.#insert(0, entry);
    const count = 1 + missed;
    this.seen += count;
    this.#arrived.push({ now, count });
    if (this.#arrived.length > ARRIVED_MAX) this.#arrived = this.#arrived.slice(ARRIVED_MAX / 2);
  }

  /** What happened before the page was opened, by its time; once. */
  addPast(entry: Omit<FeedEntry, 'id'>): void {
    const { refusal, seconds } = entry;
    const isKnown = (each: FeedEntry): boolean =>
      each.refusal !== undefined && each.refusal.time === refusal?.time && each.refusal.path === refusal.path;
    if (refusal !== undefined && this.entries.some(isKnown)) return;
    const at = this.entries.findIndex((each) => each.seconds <= seconds);
    this.#insert(at === -1 ? this.entries.length : at, entry);
  }

  #insert(at: number, entry: Omit<FeedEntry, 'id'>): void {
    this.entries.splice(at, 0, { id: this.#nextId, ...entry });
    this.#nextId += 1;
    if (this.entries.length > KEPT_MAX) this.entries.length = KEPT_MAX;
  }

  rate(now: number): number {
    this.#arrived = this.#arrived.filter((each) => each.now > now - RATE_SECONDS);
    return this.#arrived.reduce((sum, { count }) => sum + count, 0) / RATE_SECONDS;
  }

  clear(): void {
    this.entries = [];
  }
}

export function readEvent(type: string, text: string): Omit<FeedEntry, 'id'> | undefined {
  if (type === 'push') {
    const push = JSON.parse(text) as PushEvent;
    return { seconds: secondsOf(push.time), push };
  }
  if (type === 'refusal') {
    const refusal = JSON.parse(text) as Refusal;
    return { seconds: secondsOf(refusal.time), refusal };
  }
  return undefined;
}

/** While `isPaused`, nothing changes on the screen; what comes is shown afterwards. What a member that stands by refuses itself, its leader knows nothing of. */
export function useFeed(isPaused: boolean, isStandby: boolean): Feed {
  const log = useRef(new FeedLog());
  const state = useRef<{ state: Feed['state']; error: ApiError | undefined }>({
    state: 'connecting',
    error: undefined,
  });
  const shown = useRef<Feed | undefined>(undefined);
  const [, render] = useReducer<number, undefined>((count) => count + 1, 0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const renderSoon = useStable(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      render(undefined);
    }, RENDER_MS);
  });
  useEffect(() => {
    const abort = new AbortController();
    void follow({
      log: log.current,
      signal: abort.signal,
      say(next, error) {
        state.current = { state: next, error };
        renderSoon();
      },
    });
    // The rate goes down also where nothing comes.
    const ticks = setInterval(renderSoon, 1_000);
    return () => {
      abort.abort();
      clearInterval(ticks);
      clearTimeout(timer.current);
    };
  }, []);
  useEffect(() => {
    if (!isStandby) return undefined;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      if (document.hidden) return;
      for (const refusal of await pastRefusals(abort.signal, 'self'))
        log.current.addPast({ seconds: secondsOf(refusal.time), refusal });
      renderSoon();
    };
    void load();
    const timer = setInterval(() => void load(), OWN_REFUSALS_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [isStandby]);
  if (!isPaused || shown.current === undefined) {
    const { entries, seen } = log.current;
    shown.current = {
      entries: entries.slice(),
      seen,
      rate: log.current.rate(Date.now() / 1000),
      ...state.current,
    };
  }
  return { ...shown.current, ...state.current };
}

interface Following {
  readonly log: FeedLog;
  readonly signal: AbortSignal;
  readonly say: (state: Feed['state'], error?: ApiError) => void;
}

async function follow(following: Following): Promise<void> {
  const { signal, say } = following;
  while (!signal.aborted) {
    await untilSeen(signal);
    try {
      await followOnce(following);
      if (!signal.aborted && !document.hidden) say('lost');
    } catch (error) {
      if (signal.aborted) return;
      if (!document.hidden) say('lost', error instanceof ApiError ? error : undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Until the connection ends, or the page is hidden: a browser has few connections to one host, for all of its tabs. */
async function followOnce({ log, signal, say }: Following): Promise<void> {
  const hidden = new AbortController();
  const changed = (): void => {
    if (document.hidden) hidden.abort();
  };
  document.addEventListener('visibilitychange', changed);
  try {
    await events('/api/v1/watch', {
      signal: AbortSignal.any([signal, hidden.signal]),
      onEvent({ type, data: text }) {
        if (type === 'hello') {
          // What is past is sent again on each connection, but for what was refused.
          log.clear();
          void pastRefusals(signal).then((refusals) => {
            for (const refusal of refusals) log.addPast({ seconds: secondsOf(refusal.time), refusal });
            say('open');
          });
        }
        const entry = readEvent(type, text);
        if (entry?.push?.past === true) log.addPast(entry);
        else if (entry !== undefined) log.add(entry, entry.push?.missed ?? 0, Date.now() / 1000);
        say('open');
      },
    });
  } finally {
    document.removeEventListener('visibilitychange', changed);
  }
}

async function pastRefusals(signal: AbortSignal, member?: 'self'): Promise<readonly Refusal[]> {
  try {
    const path = withQuery('/api/v1/refusals', { limit: REFUSALS_SHOWN, member });
    const { refusals } = await data<{ readonly refusals: readonly Refusal[] }>(path, { signal });
    return refusals.filter(({ what }) => what === 'push');
  } catch {
    return [];
  }
}

async function untilSeen(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted)
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}
