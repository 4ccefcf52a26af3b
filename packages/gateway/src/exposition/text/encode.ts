/**
 * Writes a page as text 0.0.4. It yields to the event loop between slices of a few milliseconds, so that pushes go on
 * during a scrape of any size; the page view keeps it one point in time.
 */
import { setImmediate } from 'node:timers/promises';

import type { FamilyView, PageView } from '../../model/page-view.ts';
import { Escaping } from './escape.ts';
import type { FoundRun, KeptText } from './kept-text.ts';
import { PageWriter } from './page-writer.ts';

/** Between looks at the clock. */
const ROWS_PER_CHECK = 32;
const TURN_MS = 3;

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The page in slices, in order, which must not be written to; the view is closed at the end, also when the reader stops
 * early. `onCollision` is told once how many samples were left out, if any.
 */
export async function* encodeText(
  view: PageView,
  kept: KeptText,
  onCollision: (samples: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const page = new Page(view, kept);
  try {
    let since = performance.now();
    for (const slice of page.slices()) {
      if (slice) yield slice;
      if (performance.now() - since < TURN_MS) continue;
      await setImmediate();
      since = performance.now();
    }
  } finally {
    view.close();
    if (page.leftOut > 0) onCollision(page.leftOut);
  }
}

/** Slices, and nothing now and then where it is time to look at the clock. */
type Steps = Generator<Uint8Array | void, void>;

class Page {
  readonly #view: PageView;
  readonly #kept: KeptText;
  readonly #writer = new PageWriter();
  #escaping: Escaping | undefined;
  #begun = false;

  constructor(view: PageView, kept: KeptText) {
    this.#view = view;
    this.#kept = kept;
  }

  get leftOut(): number {
    return this.#escaping?.leftOut ?? 0;
  }

  *slices(): Steps {
    const families = yield* this.#view.families();
    yield;
    this.#escaping = new Escaping(families);
    const page = this.#kept.begin();
    for (let from = 0; from < families.length;) {
      const found = this.#kept.find(families, from, page);
      const { to, text } = found;
      if (text === undefined) {
        yield* this.#writeRun(families.slice(from, to), found, page);
      } else {
        for (const slice of text) this.#writer.again(slice);
      }
      yield* this.#done();
      yield;
      from = to;
    }
    this.#writer.flush();
    yield* this.#done();
    this.#kept.end(page);
  }

  *#writeRun(run: readonly FamilyView[], found: FoundRun, page: number): Steps {
    const { keepBytesMax } = found;
    if (keepBytesMax > 0) this.#writer.record(keepBytesMax);
    for (const family of run) {
      const name = family.quotedNames ? this.#escaping!.claim(family) : family.name;
      if (name !== undefined) yield* this.#writeFamily(family, name);
    }
    const text = keepBytesMax > 0 ? this.#writer.recorded() : undefined;
    this.#kept.keep(run, { ...found, text }, page);
  }

  *#writeFamily(family: FamilyView, name: string): Steps {
    const writer = this.#writer;
    writer.metadata(family, name);
    for (const _ of family.sort()) {
      // The first bytes need not wait for all rows to be sorted.
      if (!this.#begun) writer.flush();
      yield* this.#done();
      yield;
    }
    const write = family.quotedNames ? this.#escaping!.visitor(writer) : writer.sample;
    for (let row = 0; row < family.rowCount; row += ROWS_PER_CHECK) {
      family.visit(row, Math.min(row + ROWS_PER_CHECK, family.rowCount), write);
      if (writer.slices.length > 0) {
        writer.foresee(row / family.rowCount);
        yield* this.#done();
      }
      if (row > 0) yield;
    }
  }

  *#done(): Steps {
    for (const slice of this.#writer.slices.splice(0)) {
      this.#begun = true;
      yield slice;
    }
  }
}
