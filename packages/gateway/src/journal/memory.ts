/** Keeps nothing: the journal of a gateway whose state lives in memory only. */
import type { Journal } from './journal.ts';

export function memoryJournal(): Journal {
  let logIndex = 0;
  return {
    persistent: false,
    recover: async () => ({ snapshotLogIndex: 0, records: 0, lost: [] }),
    canAppend: () => true,
    waitForSpace: async () => {},
    append: () => (logIndex += 1),
    get logIndex() {
      return logIndex;
    },
    get committedLogIndex() {
      return logIndex;
    },
    whenCommitted: async () => {},
    // Its parts are read all the same, so that whoever makes them can rely on coming to an end.
    snapshot: async (at, parts) => {
      let bytes = 0;
      for await (const part of parts) bytes += part.length;
      return { logIndex: at, bytes };
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
