/**
 * Writes an exposition. It yields to the event loop between slices of a few milliseconds, so that pushes go on during a scrape of any
 * size; the read view keeps it one point in time.
 */
import type { ExpositionFormat } from '../model/exposition-format.ts';
import type { FamilyView, ReadView } from '../model/read-view.ts';
import { escapeFamilies } from './escaping/escape-families.ts';
import type { LeftOut } from './escaping/escaped-family.ts';
import type { FamilyWriter, ExpositionOptions } from './family-writer.ts';
import { contentOf } from './formats.ts';
import type { FoundRun, CachedExposition, ScrapeCache, CachedText } from './scrape-cache.ts';
import { TURN_MS } from '../primitives/turns.ts';
import { expositionTurn } from './exposition-turns.ts';
import { ExpositionWriter } from './exposition-writer.ts';

/** Written in one step; less where rows are so long that it would take longer than `STEP_MS`. */
const STEP_ROWS = 32;
const STEP_MS = 1;

interface ExpositionSettings {
  /** What earlier expositions of the same view's state left behind. */
  readonly kept: ScrapeCache;
  readonly options: ExpositionOptions;
  /** Told at the end if series were left out. */
  onLeftOut(leftOut: LeftOut): void;
  /** Called at the beginning of each turn. Throws when the view is closed already and nobody wants the rest. */
  onTurn?(): void;
}

/** The exposition in slices, in order, which must not be written to; the view is closed at the end, also when the reader stops early. */
export async function* encodeExposition(
  view: ReadView,
  format: ExpositionFormat,
  settings: ExpositionSettings,
): AsyncGenerator<Uint8Array, void, undefined> {
  const page = new Page(view, format, settings);
  try {
    await expositionTurn();
    settings.onTurn?.();
    let since = performance.now();
    for (const slice of page.slices()) {
      if (slice) yield slice;
      if (performance.now() - since < TURN_MS) continue;
      await expositionTurn();
      settings.onTurn?.();
      since = performance.now();
    }
  } finally {
    view.close();
    if (page.leftOut !== undefined) settings.onLeftOut(page.leftOut);
  }
}

/** Slices, and nothing now and then where it is time to look at the clock. */
type Steps = Generator<Uint8Array | void, void>;

class Page {
  leftOut: LeftOut | undefined;
  readonly #view: ReadView;
  readonly #format: ExpositionFormat;
  readonly #options: ExpositionOptions;
  readonly #kept: CachedText;
  readonly #exposition = new ExpositionWriter();
  #begun = false;

  constructor(view: ReadView, format: ExpositionFormat, { kept, options }: ExpositionSettings) {
    this.#view = view;
    this.#format = format;
    this.#options = options;
    this.#kept = kept.of(format);
  }

  *slices(): Steps {
    const all = yield* this.#view.families();
    yield;
    const escaped = yield* escapeFamilies(all, {
      scheme: this.#format.escaping,
      nativeBucketsMax: this.#view.nativeBucketsMax,
      onLeftOut: (series, family) => this.#leaveOut({ series, family }),
    });
    const { families, variantOf, writer } = yield* contentOf(this.#format.format, escaped, {
      page: this.#exposition,
      options: this.#options,
      escaping: this.#format.escaping,
      nativeBucketsMax: this.#view.nativeBucketsMax,
    });
    const kept = this.#kept.begin(variantOf);
    for (let from = 0; from < families.length;) {
      const found = this.#kept.find(families, from, kept);
      const { to, text } = found;
      if (text === undefined) {
        yield* this.#writeRun(families.slice(from, to), writer, { found, kept });
      } else {
        for (const slice of text) this.#exposition.again(slice);
        if (found.leftOut !== undefined) this.#leaveOut(found.leftOut);
      }
      yield* this.#done();
      yield;
      from = to;
    }
    writer.finish();
    this.#exposition.flush();
    yield* this.#done();
    this.#kept.end(kept);
  }

  *#writeRun(
    run: readonly FamilyView[],
    writer: FamilyWriter,
    { found, kept }: { readonly found: FoundRun; readonly kept: CachedExposition },
  ): Steps {
    const recording = this.#kept.record(found);
    try {
      if (recording.bytesMax > 0) this.#exposition.record(recording);
      const before = this.leftOut?.series ?? 0;
      for (const family of run) yield* this.#writeFamily(family, writer);
      const text = recording.bytesMax > 0 ? this.#exposition.recorded() : undefined;
      const leftOut = this.leftOut && { ...this.leftOut, series: this.leftOut.series - before };
      recording.close();
      this.#kept.keep(run, { ...found, text, leftOut, isCrowded: recording.isCrowded }, kept);
    } finally {
      recording.close();
    }
  }

  #leaveOut({ series, family }: LeftOut): void {
    if (series > 0) this.leftOut = { series: (this.leftOut?.series ?? 0) + series, family };
  }

  *#writeFamily(family: FamilyView, writer: FamilyWriter): Steps {
    const page = this.#exposition;
    writer.begin(family);
    for (const _ of family.sort()) {
      // The first bytes need not wait for all rows to be sorted.
      if (!this.#begun) page.flush();
      yield* this.#done();
      yield;
    }
    if (writer.prepare !== undefined) yield* writer.prepare(family);
    const { rowCount } = family;
    let step = 1;
    for (let row = 0; row < rowCount;) {
      const to = Math.min(row + step, rowCount);
      const startMs = performance.now();
      writer.rows(family, row, to);
      const isLong = performance.now() - startMs > STEP_MS;
      step = isLong ? Math.max(step >> 1, 1) : Math.min(step * 2, STEP_ROWS);
      if (page.slices.length > 0) {
        page.foresee(row / rowCount);
        yield* this.#done();
      }
      if (row > 0) yield;
      row = to;
    }
    writer.end(family);
  }

  *#done(): Steps {
    for (const slice of this.#exposition.slices.splice(0)) {
      this.#begun = true;
      yield slice;
    }
  }
}
