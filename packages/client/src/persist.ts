/**
 * Batches in localStorage, so that the next page of the same origin sends what one that is gone could not. An entry is a batch, and its name says which page has
 * it: each page holds a Web Lock while it lives, and another one that gets the lock adopts what is left. Where there are no locks, as without https,
 * what nobody has touched for a while is adopted. Should two pages have a batch at a time, it still counts once, by its key.
 */
import type { Batch, Store } from './sender.ts';

export interface PersistOptions {
  /** Of all pages of the origin, in UTF-16 units; 1 Mi by default. What goes beyond is kept in memory alone. */
  readonly charsMax?: number;
  /** Begins the names of entries and locks. */
  readonly prefix?: string;
  /** In the place of localStorage. */
  readonly storage?: Storage;
}

/** Without locks: a page that lives tries again sooner than that. */
const ORPHANED_MS = 120_000;

type Entry = readonly [text: string, updates: number, ageMs: number | null, savedMs: number];

export function persist({ charsMax = 2 ** 20, prefix = 'pag:', storage }: PersistOptions = {}): Store {
  /** Of this page as long as it is loaded; it is sent to nobody. */
  const owner = [...crypto.getRandomValues(new Uint32Array(2))].map((n) => n.toString(36)).join('');
  const own = new Map<string, number>();
  let othersChars = 0;
  /** Until this page has its lock, another one that begins would take what it keeps for that of a page that is gone. */
  let early: Map<string, () => void> | undefined;

  /** Throws where the page may not use it. */
  const entries = (): Storage => storage ?? localStorage;
  const nameOf = (key: string, of = owner): string => `${prefix}${of}:${key}`;

  function quietly(run: () => void): void {
    try {
      run();
    } catch {
      // No storage, or no space in it: then batches are in memory alone.
    }
  }

  function remove(key: string): void {
    early?.delete(key);
    own.delete(key);
    quietly(() => entries().removeItem(nameOf(key)));
  }

  function save(batch: Batch, ageMs: number | undefined): void {
    if (early) early.set(batch.key, () => write(batch, ageMs));
    else write(batch, ageMs);
  }

  function write({ key, text, updates }: Batch, ageMs: number | undefined): void {
    const entry: Entry = [text, updates, ageMs ?? null, Date.now()];
    const value = JSON.stringify(entry);
    const used = [...own].reduce((sum, [other, chars]) => (other === key ? sum : sum + chars), othersChars);
    // An earlier text under this key must not be sent any more.
    if (used + value.length > charsMax) return remove(key);
    try {
      entries().setItem(nameOf(key), value);
      own.set(key, value.length);
    } catch {
      remove(key);
    }
  }

  /** By owner, the keys of all entries. */
  function others(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    othersChars = 0;
    for (let at = 0; at < entries().length; at += 1) {
      const name = entries().key(at)!;
      const [of = '', key] = name.slice(prefix.length).split(':');
      if (!name.startsWith(prefix) || key === undefined || of === owner) continue;
      found.set(of, [...(found.get(of) ?? []), key]);
      othersChars += entries().getItem(name)?.length ?? 0;
    }
    return found;
  }

  function adopt(of: string, key: string, take: Parameters<Store['open']>[0], idleMs = 0): void {
    const name = nameOf(key, of);
    const value = entries().getItem(name);
    if (value === null) return;
    let entry: Entry | undefined;
    quietly(() => (entry = JSON.parse(value) as Entry));
    const [text, updates, ageMs, savedMs] = Array.isArray(entry) ? entry : [];
    if (typeof text !== 'string' || typeof updates !== 'number' || typeof savedMs !== 'number') {
      entries().removeItem(name);
      return;
    }
    const sinceMs = Math.max(0, Date.now() - savedMs);
    if (sinceMs < idleMs) return;
    othersChars -= value.length;
    // It is saved under the new name before the old one goes.
    take({ key, text, updates }, typeof ageMs === 'number' ? ageMs + sinceMs : undefined);
    entries().removeItem(name);
  }

  function writeEarly(): void {
    const saves = early;
    early = undefined;
    for (const each of saves?.values() ?? []) each();
  }

  function hold(locks: LockManager): void {
    early ??= new Map();
    const until = new Promise<void>((resolve) => {
      const end = (): void => {
        // It is the last that this page can do about it.
        writeEarly();
        resolve();
      };
      // A page with a lock is not put into the back/forward cache.
      globalThis.addEventListener?.('pagehide', end, { once: true });
    });
    const held = (): Promise<void> => {
      writeEarly();
      return until;
    };
    // Without a lock it is as where there are none.
    locks.request(prefix + owner, held).catch(writeEarly);
  }

  return {
    save,
    remove,
    open(take, release) {
      const locks = globalThis.navigator?.locks;
      const adoptAll = (): void =>
        quietly(() => {
          for (const [of, keys] of others()) {
            if (locks === undefined) {
              for (const key of keys) adopt(of, key, take, ORPHANED_MS);
              continue;
            }
            const ifFree = (lock: Lock | null): void =>
              quietly(() => lock && keys.forEach((key) => adopt(of, key, take)));
            locks.request(prefix + of, { ifAvailable: true }, ifFree).catch(() => undefined);
          }
        });
      if (locks !== undefined) hold(locks);
      adoptAll();
      globalThis.addEventListener?.('pageshow', ({ persisted }) => {
        if (!persisted) return;
        if (locks !== undefined) hold(locks);
        // What another page has adopted while this one lay in the back/forward cache.
        quietly(() => {
          for (const key of own.keys()) {
            if (entries().getItem(nameOf(key)) !== null) continue;
            own.delete(key);
            release(key);
          }
        });
        adoptAll();
      });
    },
  };
}
