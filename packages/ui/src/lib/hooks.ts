import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, data } from './api.ts';
import { placeOf } from './router.ts';
import type { Place } from './router.ts';

export interface Loaded<T> {
  /** What was answered last, also while it is asked for again. */
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  /** Whether `value` is for another question than the one now asked. */
  readonly isStale: boolean;
  readonly reload: () => void;
}

/** Asks, again and again while the page is seen. Without a path it asks nothing. */
export function useLoaded<T>(
  path: string | undefined,
  everyMs?: number,
  load: (path: string, sent: { signal: AbortSignal }) => Promise<T> = data,
): Loaded<T> {
  const [state, setState] = useState<{ path?: string; value?: T; error?: ApiError }>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFirst = true;
    const ask = async (): Promise<void> => {
      try {
        // Again only for somebody who looks; the first time also for a tab that was opened in the background.
        if (isFirst || !document.hidden) {
          isFirst = false;
          const value = await load(path, { signal: abort.signal });
          if (!abort.signal.aborted) setState({ path, value });
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof ApiError ? error : new ApiError(String(error), 0);
        setState((before) => ({ ...(before.path === path ? before : {}), path, error: known }));
      }
      if (everyMs !== undefined && !abort.signal.aborted) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [path, everyMs, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { value: state.value, error: state.error, isStale: state.path !== path, reload };
}

/** The time in seconds, anew each so many milliseconds, for ages. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const changed = (): void => setPlace(placeOf(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return place;
}

/** What is typed, once nothing was typed for a while. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Runs with the latest closure, and stays the same function. */
export function useStable<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
  const latest = useRef(run);
  latest.current = run;
  return useCallback((...args: A) => latest.current(...args), []);
}
