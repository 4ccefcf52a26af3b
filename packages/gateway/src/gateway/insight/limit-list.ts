/** What there is of what has a limit for all together, and when it will be full at the pace of the last hour. */
import type { State } from '../../state/state.ts';
import type { ShownLimit } from '../insight-api.ts';
import { usedOf } from './history.ts';
import type { History } from './history.ts';
import { POINTS, STEP_MS } from './points.ts';

/** Over fewer steps nothing is said of growth. */
const STEPS_MIN = 4;
const HOUR_MS = 3_600_000;

export function limitsOf(
  state: State,
  history: Pick<History, 'usedPoints' | 'newestStep'>,
): readonly ShownLimit[] {
  const { limits } = state;
  const maxima: Readonly<Record<string, number>> = {
    series: limits.seriesMax,
    series_bytes: limits.seriesBytesTotalMax,
    families: limits.familiesMax,
    metadata_bytes: limits.metadataBytesTotalMax,
    sources: limits.sourcesMax,
    source_bytes: limits.sourceBytesTotalMax,
    exemplars: limits.exemplarsMax,
  };
  return Object.entries(usedOf(state)).map(([name, used]) => {
    const max = maxima[name]!;
    const perHour = growthOf(name, history);
    const grows = perHour !== null && perHour > 0;
    return {
      name,
      scope: 'gateway',
      of: null,
      onLimit: null,
      used,
      max,
      perHour,
      secondsUntilFull: grows ? (Math.max(max - used, 0) / perHour) * (HOUR_MS / 1000) : null,
    };
  });
}

function growthOf(name: string, history: Pick<History, 'usedPoints' | 'newestStep'>): number | null {
  const { newestStep } = history;
  const points = history.usedPoints(name);
  if (points === undefined) return null;
  for (let step = newestStep - POINTS + 1; step <= newestStep - STEPS_MIN; step += 1) {
    const grown = points.at(newestStep) - points.at(step);
    if (!Number.isNaN(grown)) return (grown * HOUR_MS) / ((newestStep - step) * STEP_MS);
  }
  return null;
}
