/** A view whose rows are counted as they are visited. */
import type { FamilyView, ReadView } from '../../src/model/read-view.ts';

export interface WatchedView {
  readonly view: ReadView;
  /** So far. */
  visited(): number;
}

export function watchedView(original: ReadView): WatchedView {
  let visited = 0;
  const view: ReadView = {
    ...original,
    *families() {
      const families = yield* original.families();
      return families.map((family) => {
        const watched = Object.create(family) as FamilyView;
        watched.visit = (from, to, visitor) => {
          visited += to - from;
          family.visit(from, to, visitor);
        };
        watched.sort = () => family.sort();
        Object.defineProperty(watched, 'rowCount', { value: family.rowCount });
        return watched;
      });
    },
  };
  return { view, visited: () => visited };
}
