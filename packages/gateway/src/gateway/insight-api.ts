/** What the gateway knows of itself beside what it holds, as the HTTP layer asks for it: telemetry, in memory, that begins anew with the process. */
import type { GroupingKey } from '../model/labels.ts';

/** Who watches. It must not throw, and says for itself when it is too slow. */
export interface EventReader {
  /** Text of `text/event-stream`. */
  take(text: string): void;
}

/** Who pushes. */
export interface Pusher {
  readonly key: GroupingKey;
  /** The name of a token or user. */
  readonly by: string | undefined;
  readonly address: string | undefined;
}

export interface InsightApi {
  /** Where pushes go to, for the paths that are shown. */
  pushPath: string;
  /** Has a reader see what happens from now on; first what was pushed last. Throws RequestError where there are too many. Returns what ends it. */
  watch(reader: EventReader): () => void;
  /** Tells those who watch of what was refused, as it is to be shown. */
  refused(shown: () => object): void;
  /** Notes that a push was refused. */
  pushRefused(pusher: Pusher): void;
}
