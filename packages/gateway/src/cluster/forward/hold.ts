/**
 * Requests that wait for a leader, or for a connection to it: bounded in number and bytes. When there are too many, the sender who has most of them loses
 * the newest, so that no flood takes the place of others. They wait in no order but go on in that in which they came.
 */
import { RequestError } from '../../model/errors.ts';

export interface HoldBounds {
  readonly heldMax: number;
  readonly heldBytesMax: number;
}

/** One that waits; made once for each request. */
export class Held {
  readonly sender: string;
  readonly bytes: number;
  wake: ((error?: Error) => void) | undefined;

  constructor(sender: string, bytes: number) {
    this.sender = sender;
    this.bytes = bytes;
  }
}

export class Hold {
  readonly #bounds: HoldBounds;
  readonly #held = new Set<Held>();
  readonly #bySender = new Map<string, Set<Held>>();
  #bytes = 0;

  constructor(bounds: HoldBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#held.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves when it is woken, or after so long. Rejects with what it is woken with, and with RequestError where it has to go for others. It has its
   * place until `leave`, also while it does not wait.
   */
  async wait(held: Held, ms: number): Promise<void> {
    if (!this.#held.has(held)) this.#enter(held);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        held.wake = (error) => (error === undefined ? resolve() : reject(error));
        timer = setTimeout(resolve, ms);
      });
    } finally {
      clearTimeout(timer);
      held.wake = undefined;
    }
  }

  leave(held: Held): void {
    if (!this.#held.delete(held)) return;
    this.#bytes -= held.bytes;
    const own = this.#bySender.get(held.sender)!;
    own.delete(held);
    if (own.size === 0) this.#bySender.delete(held.sender);
  }

  wakeAll(error?: Error): void {
    for (const held of this.#held) held.wake?.(error);
  }

  /** The one that has waited for longest. */
  wakeOne(): void {
    for (const { wake } of this.#held) {
      if (wake === undefined) continue;
      wake();
      return;
    }
  }

  #enter(held: Held): void {
    while (this.#held.size >= this.#bounds.heldMax || this.#bytes + held.bytes > this.#bounds.heldBytesMax) {
      const victim = this.#newestOfMost(held);
      if (victim === undefined) throw tooManyHeld();
      this.leave(victim);
      victim.wake?.(tooManyHeld());
    }
    this.#held.add(held);
    this.#bytes += held.bytes;
    const own = this.#bySender.get(held.sender);
    if (own === undefined) this.#bySender.set(held.sender, new Set([held]));
    else own.add(held);
  }

  /** That waits; undefined where nobody has more than the sender of this one. */
  #newestOfMost(held: Held): Held | undefined {
    let most = this.#bySender.get(held.sender);
    const size = Math.max(most?.size ?? 0, 1);
    for (const own of this.#bySender.values()) if (own.size > (most?.size ?? size)) most = own;
    if (most === undefined || most.size <= size) return undefined;
    return [...most].findLast(({ wake }) => wake !== undefined);
  }
}

function tooManyHeld(): RequestError {
  return new RequestError(
    'no_leader',
    'no member of the cluster leads just now, and too many requests wait for one; retry later',
  );
}
