/**
 * Names that need quotes are not of text 0.0.4: they come out with underscores, as Prometheus' `underscores` escaping has it,
 * and what would then meet another name is left out and counted, never shown twice.
 */
import { escapeLabelValue, parseSeriesText } from '../../model/series-text.ts';
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { FamilyView, SampleVisitor } from '../../model/page-view.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import type { PageWriter } from './page-writer.ts';

export class Escaping {
  leftOut = 0;
  readonly #taken: Set<string>;

  constructor(families: readonly FamilyView[]) {
    this.#taken = families.some((family) => family.quotedNames) ? namesAsTheyAre(families) : new Set();
  }

  /** Under which name the family is shown; undefined when the whole family would meet another one. */
  claim(family: FamilyView): string | undefined {
    const name = underscored(family.name);
    const claimed = claimedNames(name, family.type);
    if (name !== family.name && claimed.some((each) => this.#taken.has(each))) {
      this.leftOut += family.rowCount;
      return undefined;
    }
    for (const each of claimed) this.#taken.add(each);
    return name;
  }

  /** Writes samples of one family with their names escaped. */
  visitor(writer: PageWriter): SampleVisitor {
    const shown = new Set<string>();
    return (bytes, start, end, value) => {
      const text = Buffer.from(bytes.subarray(start, end)).toString('utf8');
      const series = parseSeriesText(text);
      const names = series.labels.map((label) => underscored(label.name));
      const escaped =
        underscored(series.name) +
        labelText(series.labels.map((l, i) => ({ name: names[i]!, value: l.value })));
      if (new Set(names).size < names.length || shown.has(escaped)) {
        this.leftOut += 1;
        return;
      }
      shown.add(escaped);
      writer.text(`${escaped} ${formatFloat64(value)}\n`);
    };
  }
}

/** Sample names of the families that need no escaping: those come first, whatever their order. */
function namesAsTheyAre(families: readonly FamilyView[]): Set<string> {
  const legal = families.filter((family) => !family.quotedNames || underscored(family.name) === family.name);
  return new Set(legal.flatMap((family) => claimedNames(family.name, family.type)));
}

function labelText(labels: readonly { readonly name: string; readonly value: string }[]): string {
  if (labels.length === 0) return '';
  return `{${labels.map((label) => `${label.name}="${escapeLabelValue(label.value)}"`).join(',')}}`;
}

function claimedNames(name: string, type: MetricType): string[] {
  return isDistribution(type) ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

/** https://prometheus.io/docs/instrumenting/escaping_schemes/, `underscores`: each character that is not legal becomes one. */
function underscored(name: string): string {
  return name.replace(/[^a-zA-Z0-9_:]/gu, '_').replace(/^[0-9]/, '_');
}
