/**
 * Writes a page as text 0.0.4. It yields to the event loop between slices of a few milliseconds, so that pushes go on
 * during a scrape of any size; the page view keeps it one point in time.
 *
 * Names that need quotes are not of this format: they come out with underscores, as Prometheus' `underscores` escaping
 * has it, and what would then meet another name is left out and counted, never shown twice.
 */
import { setImmediate } from 'node:timers/promises';

import { parseSeriesText } from '../../model/series-text.ts';
import { escapeLabelValue } from '../../model/series-text.ts';
import type { FamilyView, PageView } from '../../model/page-view.ts';
import { LF, SPACE } from '../../primitives/bytes.ts';
import { formatFloat64 } from '../../primitives/float.ts';

const SLICE_BYTES = 64 * 1024;
/** Between looks at the clock. */
const ROWS_PER_CHECK = 64;
const SLICE_MS = 4;

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The page in slices, in order; the view is closed at the end, also when the reader stops early. `onCollision` is told once
 * how many samples were left out, if any.
 */
export async function* encodeText(
  view: PageView,
  onCollision: (samples: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let leftOut = 0;
  const leaveOut = (samples: number): void => {
    leftOut += samples;
  };
  try {
    const taken = namesAsTheyAre(view);
    const writer = new Writer();
    let since = performance.now();
    for (const family of view.families) {
      for (const _ of family.sort()) {
        await setImmediate();
        since = performance.now();
      }
      const write = family.quotedNames ? escapingVisitor(family, taken, writer, leaveOut) : writer.sample;
      if (write === undefined) continue;
      writer.metadata(family, family.quotedNames ? underscored(family.name) : family.name);
      for (let row = 0; row < family.rowCount; row += 1) {
        family.visit(row, write);
        if (row % ROWS_PER_CHECK !== 0 && writer.length < SLICE_BYTES) continue;
        if (writer.length >= SLICE_BYTES) yield writer.take();
        if (performance.now() - since < SLICE_MS) continue;
        await setImmediate();
        since = performance.now();
      }
      if (writer.length >= SLICE_BYTES) yield writer.take();
    }
    if (writer.length > 0) yield writer.take();
  } finally {
    view.close();
    if (leftOut > 0) onCollision(leftOut);
  }
}

/** Collects bytes into a buffer that is handed out when full enough. */
class Writer {
  length = 0;
  #buffer = Buffer.allocUnsafe(SLICE_BYTES * 2);

  readonly sample = (bytes: Uint8Array, start: number, end: number, value: number): void => {
    const needed = end - start + 40;
    if (this.length + needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(bytes.subarray(start, end), this.length);
    this.length += end - start;
    this.#buffer[this.length] = SPACE;
    this.length += 1;
    this.length += this.#buffer.write(formatFloat64(value), this.length, 'latin1');
    this.#buffer[this.length] = LF;
    this.length += 1;
  };

  metadata(family: FamilyView, name: string): void {
    if (family.help !== undefined) {
      this.text(`# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`);
    }
    this.text(`# TYPE ${name} ${family.type}\n`);
  }

  text(text: string): void {
    const needed = text.length * 3;
    if (this.length + needed > this.#buffer.length) this.#grow(needed);
    this.length += this.#buffer.write(text, this.length, 'utf8');
  }

  /** The bytes so far. The caller owns them. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = Buffer.allocUnsafe(SLICE_BYTES * 2);
    this.length = 0;
    return taken;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + needed));
    larger.set(this.#buffer.subarray(0, this.length));
    this.#buffer = larger;
  }
}

/** Sample names of the families that need no escaping: those come first, whatever their order. */
function namesAsTheyAre(view: PageView): Set<string> {
  const legal = view.families.filter(
    (family) => !family.quotedNames || underscored(family.name) === family.name,
  );
  return new Set(legal.flatMap((family) => claimedNames(family.name, family.type)));
}

/** Undefined when the whole family would meet another one. */
function escapingVisitor(
  family: FamilyView,
  taken: Set<string>,
  writer: Writer,
  leaveOut: (samples: number) => void,
): Writer['sample'] | undefined {
  const name = underscored(family.name);
  if (name !== family.name && claimedNames(name, family.type).some((claimed) => taken.has(claimed))) {
    leaveOut(family.rowCount);
    return undefined;
  }
  for (const claimed of claimedNames(name, family.type)) taken.add(claimed);
  const shown = new Set<string>();
  return (bytes, start, end, value) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString('utf8');
    const series = parseSeriesText(text);
    const names = series.labels.map((label) => underscored(label.name));
    const escaped =
      underscored(series.name) +
      labelText(series.labels.map((l, i) => ({ name: names[i]!, value: l.value })));
    if (new Set(names).size < names.length || shown.has(escaped)) {
      leaveOut(1);
      return;
    }
    shown.add(escaped);
    writer.text(`${escaped} ${formatFloat64(value)}\n`);
  };
}

function labelText(labels: readonly { readonly name: string; readonly value: string }[]): string {
  if (labels.length === 0) return '';
  return `{${labels.map((label) => `${label.name}="${escapeLabelValue(label.value)}"`).join(',')}}`;
}

function claimedNames(name: string, type: string): string[] {
  return type === 'histogram' || type === 'summary'
    ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
    : [name];
}

/** https://prometheus.io/docs/instrumenting/escaping_schemes/, `underscores`: each character that is not legal becomes one. */
function underscored(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/gu, '_').replace(/^[0-9]/, '_');
}
