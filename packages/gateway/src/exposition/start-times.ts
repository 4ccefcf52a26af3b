/**
 * Families that hold the start times of others: the gauge `x_created` of the counter `x_total` or the histogram `x`. Formats that
 * have start times of their own show them there, and not as families.
 */
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView } from '../model/read-view.ts';

const SUFFIX = '_created';

export class StartTimes {
  readonly #byName: ReadonlyMap<string, FamilyView>;

  /** All families of the exposition by name. */
  constructor(byName: ReadonlyMap<string, FamilyView>) {
    this.#byName = byName;
  }

  /** The families in the exposition whose start times a family holds. */
  ownersOf({ name, startTimes }: FamilyView): readonly FamilyView[] {
    if (!startTimes || !name.endsWith(SUFFIX)) return [];
    const base = name.slice(0, -SUFFIX.length);
    // `a.b_created` may have been escaped to `a_dot_b__created`.
    const bases = base.endsWith('_') ? [base, base.slice(0, -1)] : [base];
    return [...bases, `${base}_total`].flatMap((each) => {
      const owner = this.#byName.get(each);
      return owner !== undefined && hasStartTimes(owner.type) ? [owner] : [];
    });
  }

  /** Changes whenever the start times do that others hold for a family; 0 where there are none. */
  versionFor({ name, type }: FamilyView): number {
    if (!hasStartTimes(type)) return 0;
    const base = name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
    const holder = this.#byName.get(base + SUFFIX) ?? this.#byName.get(`${base}_${SUFFIX}`);
    // Of a gauge that says more than start times, some rows may be some.
    return holder?.type === 'gauge' ? holder.version + 1 : 0;
  }
}

function hasStartTimes(type: MetricType): boolean {
  return type === 'counter' || type === 'histogram' || type === 'summary';
}
