/** Keeps nothing: the journal of a gateway whose state lives in memory only. */
import type { Journal } from './journal.ts';

export function memoryJournal(): Journal {
  let position = 0;
  return {
    keeps: false,
    recover: async () => ({ snapshotPosition: 0, records: 0, lost: [] }),
    canAppend: () => true,
    waitForSpace: async () => {},
    append: () => (position += 1),
    get position() {
      return position;
    },
    get committedPosition() {
      return position;
    },
    whenCommitted: async () => {},
    // Its parts are read all the same, so that whoever makes them can rely on coming to an end.
    snapshot: async (at, parts) => {
      let bytes = 0;
      for await (const part of parts) bytes += part.length;
      return { position: at, bytes };
    },
    stats: () => ({
      waitingRecords: 0,
      waitingBytes: 0,
      commits: 0,
      commitSeconds: 0,
      storedBytes: 0,
      bytesSinceSnapshot: 0,
    }),
    close: async () => {},
  };
}
