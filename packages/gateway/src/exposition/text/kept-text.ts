/**
 * The text of families as an earlier page showed it, kept for as long as they do not change. It is kept by runs of
 * neighbouring families: a large family is a run by itself, small ones share one, as writing a few hundred rows anew costs
 * less than looking after each.
 *
 * Text is kept the first time it is written, and let go when the run has changed by the next page; from then on it is kept
 * again once the run was the same on two pages one after the other. So families that change all the time take no memory.
 * Nor do runs that would take more than `bytesMax` together with what is kept already: they are written anew each time.
 */
import type { FamilyView } from '../../model/page-view.ts';

/** Families with at least so many rows are a run by themselves; smaller ones are put together up to here. */
const RUN_ROWS = 128;

interface Run {
  readonly families: readonly object[];
  readonly versions: readonly number[];
  readonly text: readonly Uint8Array[] | undefined;
  readonly bytes: number;
  /** The text is longer than this. */
  readonly tooMuchFor: number;
  /** The page that met it last. */
  page: number;
}

export interface FoundRun {
  /** The end of the run, exclusive. */
  readonly to: number;
  /** What to show for it, if that is kept. */
  readonly text: readonly Uint8Array[] | undefined;
  /** How much of the text may be kept when it is written anew now. */
  readonly keepBytesMax: number;
}

export class KeptText {
  readonly #bytesMax: number;
  /** By the first family of the run. */
  readonly #runs = new Map<object, Run>();
  #bytes = 0;
  #pages = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Begins a page, and returns its number. */
  begin(): number {
    this.#pages += 1;
    return this.#pages;
  }

  /** Call when a page is complete: forgets runs that it did not meet. */
  end(page: number): void {
    for (const [first, run] of this.#runs) if (run.page !== page) this.#drop(first, run);
  }

  /** The run that begins at `from`, as this page has it. */
  find(families: readonly FamilyView[], from: number, page: number): FoundRun {
    const first = families[from]!;
    // How names are escaped depends on what other families there are.
    if (first.quotedNames) return { to: from + 1, text: undefined, keepBytesMax: 0 };
    const room = this.#bytesMax - this.#bytes;
    const known = this.#runs.get(first.identity);
    if (known === undefined) return { to: this.#runEnd(families, from), text: undefined, keepBytesMax: room };
    if (isSame(known, families, from)) {
      known.page = page;
      const keepBytesMax = room > known.tooMuchFor ? room : 0;
      return { to: from + known.families.length, text: known.text, keepBytesMax };
    }
    this.#drop(first.identity, known);
    return { to: this.#runEnd(families, from), text: undefined, keepBytesMax: 0 };
  }

  /** Notes a run that was written anew, and keeps its text if there is one. */
  keep(
    run: readonly FamilyView[],
    written: { readonly text: readonly Uint8Array[] | undefined; readonly keepBytesMax: number },
    page: number,
  ): void {
    if (this.#bytesMax === 0 || run[0]!.quotedNames) return;
    const first = run[0]!.identity;
    const known = this.#runs.get(first);
    if (known !== undefined) this.#drop(first, known);
    const bytes = (written.text ?? []).reduce((sum, part) => sum + part.buffer.byteLength, 0);
    // Another page may have filled the room meanwhile.
    const text = this.#bytes + bytes <= this.#bytesMax ? written.text : undefined;
    this.#runs.set(first, {
      families: run.map((family) => family.identity),
      versions: run.map((family) => family.version),
      text,
      bytes: text === undefined ? 0 : bytes,
      tooMuchFor: text === undefined ? written.keepBytesMax : 0,
      page,
    });
    if (text !== undefined) this.#bytes += bytes;
  }

  #runEnd(families: readonly FamilyView[], from: number): number {
    let rows = families[from]!.rowCount;
    let to = from + 1;
    for (; to < families.length; to += 1) {
      const next = families[to]!;
      rows += next.rowCount;
      if (rows > RUN_ROWS || next.quotedNames) break;
      // Not into a run that may still be good, once this one is of a fair size.
      if (rows > RUN_ROWS / 2 && this.#runs.has(next.identity)) break;
    }
    return to;
  }

  #drop(first: object, run: Run): void {
    this.#runs.delete(first);
    this.#bytes -= run.bytes;
  }
}

function isSame(run: Run, families: readonly FamilyView[], from: number): boolean {
  if (from + run.families.length > families.length) return false;
  for (let i = 0; i < run.families.length; i += 1) {
    const family = families[from + i]!;
    if (run.families[i] !== family.identity || run.versions[i] !== family.version) return false;
  }
  return true;
}
