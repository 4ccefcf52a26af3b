/**
 * A family under an escaped name. Mostly the names of its labels are all different once they are escaped, and then its rows are passed
 * on one by one with other bytes. Where names meet, or several families do, rows may be the same series: those are read and
 * added up first, while the rows are sorted.
 */
import { DecoratedFamily } from '../../model/decorated-family.ts';
import type { EscapingScheme } from '../../model/exposition-format.ts';
import type { FamilyView, SeriesView, SeriesVisitor } from '../../model/read-view.ts';
import { parseSeriesText, seriesText } from '../../model/series-text.ts';
import { LabelEscaper } from './escape-labels.ts';
import { areLabelNames, escapeLabelName } from './escape-name.ts';
import { EscapedSeries } from './escaped-series.ts';
import { MergedSeries } from './merged-series.ts';
import { copyRow, mergeInto } from './merged-rows.ts';
import type { MergedRow } from './merged-rows.ts';

/** Rows read in one step. */
const STEP_ROWS = 64;

/** Series that are not in an exposition because their names meet others once escaped. */
export interface LeftOut {
  readonly series: number;
  /** One family that they are of. */
  readonly family: string;
}

export interface Escaping {
  readonly scheme: EscapingScheme;
  /** Of one native histogram, also where several meet. */
  readonly nativeBucketsMax: number;
  /** Hears of series that are not shown: of whole families at once, of others as they are written. */
  readonly onLeftOut: (series: number, family: string) => void;
}

export class EscapedFamily extends DecoratedFamily {
  override readonly name: string;
  override readonly unit: string | undefined;
  override readonly quotedNames: boolean = false;
  override readonly hasNative: boolean;
  override readonly once: boolean;
  override readonly identity: object;
  readonly nativeBucketsMax: number;
  readonly #parts: readonly FamilyView[];
  readonly #escaping: Escaping;
  readonly #labels: LabelEscaper;
  readonly #series: EscapedSeries;
  #merged: readonly MergedRow[] | undefined;

  /** The parts are of one type; the first one gives its help. */
  constructor(name: string, parts: readonly FamilyView[], escaping: Escaping) {
    const [first] = parts;
    if (first === undefined) throw new Error('BUG: a family of nothing');
    super(first);
    const isAlone = parts.length === 1;
    this.name = name;
    this.unit = parts.every((part) => part.unit === first.unit) ? first.unit : undefined;
    this.hasNative = parts.some((part) => part.hasNative);
    this.once = !isAlone || first.once;
    this.identity = isAlone ? first.identity : {};
    this.#parts = parts;
    this.nativeBucketsMax = escaping.nativeBucketsMax;
    this.#escaping = escaping;
    this.#labels = new LabelEscaper(escaping.scheme);
    this.#series = new EscapedSeries(this.#labels);
  }

  /** Before `sort`, at most so many. */
  override get rowCount(): number {
    return this.#merged?.length ?? this.#parts.reduce((sum, part) => sum + part.rowCount, 0);
  }

  override *sort(): Generator<void, void> {
    for (const part of this.#parts) yield* part.sort();
    const isMixed = this.#parts.length > 1 || !(yield* this.#areLabelsDistinct());
    if (isMixed && this.#merged === undefined) this.#merged = yield* this.#merge();
  }

  override visit(from: number, to: number, visitor: SeriesVisitor): void {
    if (this.#merged !== undefined) {
      const series = new MergedSeries();
      for (let row = from; row < to; row += 1) {
        series.read(this.#merged[row]!);
        visitor(series);
      }
      return;
    }
    const series = this.#series;
    this.original.visit(from, to, (original) => {
      series.read(original);
      visitor(series);
    });
  }

  *#areLabelsDistinct(): Generator<void, boolean> {
    const { rowCount } = this.original;
    for (let row = 0; row < rowCount; row += STEP_ROWS) {
      this.original.visit(row, Math.min(row + STEP_ROWS, rowCount), (series) => {
        this.#labels.meet(series.bytes, series.labelsStart, series.labelsEnd);
      });
      yield;
    }
    return this.#labels.areNamesDistinct();
  }

  *#merge(): Generator<void, readonly MergedRow[]> {
    const rows = new Map<string, MergedRow>();
    for (const part of this.#parts) {
      for (let row = 0; row < part.rowCount; row += STEP_ROWS) {
        part.visit(row, Math.min(row + STEP_ROWS, part.rowCount), (series) => this.#add(rows, series));
        yield;
      }
    }
    return [...rows.values()];
  }

  #add(rows: Map<string, MergedRow>, series: SeriesView): void {
    const labels = escapedLabels(series, this.#escaping.scheme);
    if (labels === undefined) {
      this.#escaping.onLeftOut(1, this.name);
      return;
    }
    this.#series.read(series);
    const row = copyRow(this.#series, Buffer.from(labels));
    const known = rows.get(labels);
    if (known === undefined) rows.set(labels, row);
    else mergeInto(known, row, this);
  }
}

/** In canonical form; undefined where they cannot be labels of one series now. */
function escapedLabels(series: SeriesView, scheme: EscapingScheme): string | undefined {
  const { bytes, labelsStart, labelsEnd } = series;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + labelsStart, labelsEnd - labelsStart);
  const labels = parseSeriesText(`{${text.toString('utf8')}}`).labels.map((label) => ({
    ...label,
    name: escapeLabelName(label.name, scheme),
  }));
  if (!areLabelNames(labels.map(({ name }) => name))) return undefined;
  return seriesText('x', labels).slice(2, -1);
}
