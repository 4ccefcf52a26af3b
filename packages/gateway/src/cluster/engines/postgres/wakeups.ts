/**
 * When to look for new blocks: at a notification, or when a pause is over. Notifications are a hint and nothing more. They come over a
 * connection of their own, which does not work through a pooler that gives each transaction another session; so the pause is long only as long as
 * they do come.
 */
import type { Connections } from './connections.ts';
import type { Session } from './session.ts';

/** While notifications come: for those that are lost. */
const PAUSE_MS_MAX = 1000;
const LISTEN_AGAIN_MS = 1000;
/** To see that the connection is there. */
const PROBE_MS = 5000;

export class Wakeups {
  readonly #connections: Connections;
  readonly #channel: string;
  readonly #pollMs: number;
  readonly #wakers = new Set<() => void>();
  #session: Session | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isListening = false;
  #isNotified = false;
  #isClosed = false;

  constructor(connections: Connections, channel: string, pollMs: number) {
    this.#connections = connections;
    this.#channel = channel;
    this.#pollMs = pollMs;
  }

  /** So long to wait at most. */
  get pauseMs(): number {
    return this.#isNotified ? Math.max(PAUSE_MS_MAX, this.#pollMs) : this.#pollMs;
  }

  /** A look for blocks found some that nobody had given notice of. */
  missed(): void {
    this.#isNotified = false;
  }

  /** To be called when there may be something new, until the function that is returned is called. */
  onWake(waker: () => void): () => void {
    if (!this.#isListening) {
      this.#isListening = true;
      void this.#listen();
    }
    this.#wakers.add(waker);
    return () => void this.#wakers.delete(waker);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#session?.end();
  }

  async #listen(): Promise<void> {
    try {
      const session = await this.#connections.dedicated();
      this.#session = session;
      const [backend] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      // A pooler gives its clients numbers of its own. To listen would be left behind in a session of others.
      if (backend?.pid !== session.processId) return await session.end();
      session.onNotification(() => {
        this.#isNotified = true;
        for (const waker of this.#wakers) waker();
      });
      await session.query(`LISTEN "${this.#channel}"`);
      session.onEnd(() => this.#again());
      this.#probe(session);
      if (this.#isClosed) await session.end();
    } catch {
      this.#session?.destroy();
      this.#again();
    }
  }

  #again(): void {
    this.#isNotified = false;
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#listen(), LISTEN_AGAIN_MS);
  }

  #probe(session: Session): void {
    this.#timer = setTimeout(() => {
      const late = setTimeout(() => session.destroy(), PROBE_MS);
      session
        .query('SELECT 1')
        .then(
          () => session.isOpen && this.#probe(session),
          () => session.destroy(),
        )
        .finally(() => clearTimeout(late));
    }, PROBE_MS);
  }
}
