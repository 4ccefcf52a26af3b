/** What happens, to those who watch: events as text of `text/event-stream`, made once for all readers, and not at all where there are none. */
import { RequestError } from '../../model/errors.ts';
import type { EventReader } from '../insight-api.ts';

export const READERS_MAX = 16;

export class EventHub {
  readonly #readers = new Set<EventReader>();

  get isWatched(): boolean {
    return this.#readers.size > 0;
  }

  /** Throws RequestError `too_many_requests` where there are too many readers. Returns what ends it. */
  subscribe(reader: EventReader): () => void {
    if (this.#readers.size >= READERS_MAX)
      throw new RequestError(
        'too_many_requests',
        `${READERS_MAX} readers watch already, the maximum; close one, or retry later`,
      );
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
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
