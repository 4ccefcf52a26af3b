/**
 * Refused requests in the log: about one line a second for each path. There are few such paths at a time, and fewer of one sender, as a
 * broken sender must neither fill a disk nor hide what others do.
 */
import type { Log, LogFields } from '../../primitives/log.ts';

const INTERVAL_MS = 1_000;
const PATHS_MAX = 16;
const PATHS_OF_SENDER_MAX = 4;

interface Place {
  readonly sender: string;
  nextMs: number;
  suppressed: number;
}

/** What a line is about; lines about the same path share their second. */
interface Refused {
  readonly path: string;
  /** As in http/senders/sender.ts. */
  readonly sender: string;
}

const nobody: Refused = { path: '', sender: '' };

export class RefusalLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #places = new Map<string, Place>();
  /** Left out, and not of a path that has a place. */
  #others = 0;

  /** `now` is any clock that does not go back, in milliseconds. */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Logs, or counts for the next line that is logged: as `suppressed` of the same path, as `suppressed_others` of any. */
  refused(message: string, fields: LogFields, { path, sender }: Refused = nobody): void {
    const now = this.#now();
    const place = this.#places.get(path) ?? this.#newPlace(path, sender, now);
    if (place === undefined) {
      this.#others += 1;
      return;
    }
    if (now < place.nextMs) {
      place.suppressed += 1;
      return;
    }
    place.nextMs = now + INTERVAL_MS;
    const suppressed = place.suppressed === 0 ? {} : { suppressed: place.suppressed };
    const others = this.#others === 0 ? {} : { suppressed_others: this.#others };
    place.suppressed = 0;
    this.#others = 0;
    this.#log.warn(message, { ...fields, ...suppressed, ...others });
  }

  #newPlace(path: string, sender: string, now: number): Place | undefined {
    let ofSender = 0;
    for (const [known, place] of this.#places) {
      if (place.nextMs <= now) {
        this.#others += place.suppressed;
        this.#places.delete(known);
      } else if (place.sender === sender) ofSender += 1;
    }
    if (this.#places.size >= PATHS_MAX || ofSender >= PATHS_OF_SENDER_MAX) return undefined;
    const place = { sender, nextMs: now, suppressed: 0 };
    this.#places.set(path, place);
    return place;
  }
}
