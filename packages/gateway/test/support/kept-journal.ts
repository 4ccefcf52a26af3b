import type { Journal, JournalStats, Recovered, RecoverySink } from '../../src/journal/journal.ts';

/**
 * A journal in memory that outlives its gateway, as a store on disk does: `reopened` is what the next start finds. Everything is committed
 * at once.
 */
export class KeptJournal implements Journal {
  readonly persistent = true;
  readonly records: Uint8Array[] = [];
  snapshotted: { readonly logIndex: number; readonly parts: readonly Uint8Array[] } | undefined;

  get logIndex(): number {
    return this.records.length;
  }

  get committedLogIndex(): number {
    return this.records.length;
  }

  /** A new journal with what this one kept. */
  reopened(): KeptJournal {
    const next = new KeptJournal();
    next.records.push(...this.records);
    next.snapshotted = this.snapshotted;
    return next;
  }

  async recover(into: RecoverySink): Promise<Recovered> {
    const { logIndex, parts } = this.snapshotted ?? { logIndex: 0, parts: [] };
    if (logIndex > 0) await into.snapshot(logIndex, iterate(parts));
    for (const [index, record] of this.records.entries())
      if (index >= logIndex) await into.record(index + 1, record);
    return { snapshotLogIndex: logIndex, records: this.records.length - logIndex, lost: [] };
  }

  canAppend(): boolean {
    return true;
  }

  async waitForSpace(): Promise<void> {}

  append(record: Uint8Array): number {
    this.records.push(Uint8Array.from(record));
    return this.records.length;
  }

  async whenCommitted(_logIndex: number): Promise<void> {}

  async snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>) {
    const kept: Uint8Array[] = [];
    for await (const part of parts) kept.push(Uint8Array.from(part));
    this.snapshotted = { logIndex, parts: kept };
    return { logIndex, bytes: kept.reduce((sum, part) => sum + part.length, 0) };
  }

  stats(): JournalStats {
    return {
      waitingRecords: 0,
      waitingBytes: 0,
      commits: this.records.length,
      commitSeconds: 0,
      storedBytes: 0,
      bytesSinceSnapshot: 0,
    };
  }

  async close(): Promise<void> {}
}

async function* iterate(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* parts;
}
