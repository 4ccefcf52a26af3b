/** What happens, to those who watch: events as text of `text/event-stream`, made once for all readers, and not at all where there are none. */
import { RequestError } from '../../model/errors.ts';
import type { EventReader } from '../insight-api.ts';

export const READERS_MAX = 16;

export class EventHub {
  readonly #readers = new Set<EventReader>();

  get isWatched(): boolean {
    return this.#readers.size > 0;
  }

  /**
   * Throws RequestError `too_many_requests` where there are too many readers, and none has several more than this one would. Of who has the most the
   * oldest makes room. Returns what ends it.
   */
  subscribe(reader: EventReader): () => void {
    if (this.#readers.size >= READERS_MAX && !this.#makeRoom(reader))
      throw new RequestError(
        'too_many_requests',
        `${READERS_MAX} readers watch already, the maximum; close one, or retry later`,
      );
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  #makeRoom({ sender }: EventReader): boolean {
    const bySender = new Map<string, EventReader[]>();
    for (const reader of this.#readers)
      bySender.set(reader.sender, [...(bySender.get(reader.sender) ?? []), reader]);
    const own = bySender.get(sender)?.length ?? 0;
    const most = [...bySender.values()].reduce((a, b) => (b.length > a.length ? b : a));
    const [oldest] = most;
    if (oldest === undefined || most.length <= own + 1) return false;
    this.#readers.delete(oldest);
    oldest.end();
    return true;
  }

  /** Whoever watches has to come again. */
  close(): void {
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  publish(event: string, data: object): void {
    if (this.#readers.size === 0) return;
    const text = eventText(event, data);
    for (const reader of this.#readers) reader.take(text);
  }
}

/** JSON has no line breaks, so that one line holds all of it. */
export function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
