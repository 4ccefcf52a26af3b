/** The list of pushes as they come: the newest first, so many of them, and no more renders than a screen can show. */
import { useEffect, useReducer, useRef } from 'preact/hooks';

import { ApiError, events } from '../lib/api.ts';
import { secondsOf } from '../lib/format.ts';
import { useStable } from '../lib/hooks.ts';
import type { PushEvent, Refusal } from '../lib/types.ts';

const KEPT_MAX = 200;
const RENDER_MS = 200;
const RETRY_MS = 2_000;
const RATE_SECONDS = 10;

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

/** A ring of what came, from which nothing is rendered by itself. */
export class FeedLog {
  entries: FeedEntry[] = [];
  seen = 0;
  #nextId = 0;
  #times: number[] = [];

  add(entry: Omit<FeedEntry, 'id'>, isPast: boolean, now: number): void {
    this.entries.unshift({ id: this.#nextId, ...entry });
    this.#nextId += 1;
    if (this.entries.length > KEPT_MAX) this.entries.length = KEPT_MAX;
    if (isPast) return;
    this.seen += 1;
    this.#times.push(now);
    if (this.#times.length > 100_000) this.#times = this.#times.slice(50_000);
  }

  rate(now: number): number {
    const from = this.#times.findIndex((time) => time > now - RATE_SECONDS);
    this.#times = from === -1 ? [] : this.#times.slice(from);
    return this.#times.length / RATE_SECONDS;
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

/** While `isPaused`, nothing changes on the screen; what comes is shown afterwards. */
export function useFeed(isPaused: boolean): Feed {
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
    void follow(log.current, abort.signal, (next, error) => {
      state.current = { state: next, error };
      renderSoon();
    });
    // The rate goes down also where nothing comes.
    const ticks = setInterval(renderSoon, 1_000);
    return () => {
      abort.abort();
      clearInterval(ticks);
      clearTimeout(timer.current);
    };
  }, []);
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

async function follow(
  log: FeedLog,
  signal: AbortSignal,
  say: (state: Feed['state'], error?: ApiError) => void,
): Promise<void> {
  while (!signal.aborted) {
    let isFresh = true;
    try {
      await events('/api/v1/watch', {
        signal,
        onEvent({ type, data }) {
          // What is past is sent again on each connection.
          if (isFresh) log.clear();
          isFresh = false;
          const entry = readEvent(type, data);
          if (entry !== undefined) log.add(entry, entry.push?.past === true, Date.now() / 1000);
          say('open');
        },
      });
      if (!signal.aborted) say('lost');
    } catch (error) {
      if (signal.aborted) return;
      say('lost', error instanceof ApiError ? error : undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
