/** localStorage and Web Locks of one origin, and pages that come and go. */
import { vi } from 'vitest';

export class FakeStorage implements Storage {
  readonly entries = new Map<string, string>();
  /** Of all names and values; then it throws, as browsers do. */
  quota: number = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.entries.size;
  }
  clear(): void {
    this.entries.clear();
  }
  key(at: number): string | null {
    return [...this.entries.keys()][at] ?? null;
  }
  getItem(name: string): string | null {
    return this.entries.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    let used = name.length + value.length;
    for (const [other, text] of this.entries) if (other !== name) used += other.length + text.length;
    if (used > this.quota) throw new DOMException('full', 'QuotaExceededError');
    this.entries.set(name, value);
  }
  removeItem(name: string): void {
    this.entries.delete(name);
  }
}

type Callback = (lock: object | null) => unknown;

/** As `navigator.locks`, for pages that a test ends. */
export class FakeLocks {
  readonly #held = new Set<string>();

  request(name: string, optionsOrRun: Callback | { ifAvailable: boolean }, run?: Callback): Promise<void> {
    const callback = (run ?? optionsOrRun) as Callback;
    if (this.#held.has(name)) return Promise.resolve(callback(null)).then(() => undefined);
    this.#held.add(name);
    return Promise.resolve(callback({ name }))
      .then(() => undefined)
      .finally(() => this.#held.delete(name));
  }

  /** The pages that held any are gone. */
  endPages(): void {
    this.#held.clear();
  }
}

export function fakeOrigin({ hasLocks = true } = {}): { storage: FakeStorage; locks: FakeLocks } {
  const storage = new FakeStorage();
  const locks = new FakeLocks();
  vi.stubGlobal('localStorage', storage);
  vi.stubGlobal('navigator', hasLocks ? { locks } : {});
  return { storage, locks };
}
