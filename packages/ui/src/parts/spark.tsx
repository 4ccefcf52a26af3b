import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { data, withQuery } from '../lib/api.ts';
import type { History } from '../lib/types.ts';

const WIDTH = 96;
const HEIGHT = 24;
/** A point is of so long. */
const KEPT_MS = 15_000;
const REFRESH_MS = 30_000;
const LOOK_MS = 5_000;
const AT_ONCE = 3;

const known = new Map<string, { readonly at: number; readonly points: History['points'] }>();
const waiting: (() => Promise<void>)[] = [];
let running = 0;

/** Few at a time: a table has a hundred of them, and the browser few connections. */
function queue(run: () => Promise<void>): void {
  waiting.push(run);
  if (running >= AT_ONCE) return;
  running += 1;
  void (async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await next().catch(() => undefined);
    running -= 1;
  })();
}

async function pointsOf(family: string, signal: AbortSignal): Promise<History['points']> {
  const before = known.get(family);
  if (before !== undefined && Date.now() - before.at < KEPT_MS) return before.points;
  const { points } = await data<History>(withQuery('/api/v1/history', { family }), { signal });
  if (known.size > 5_000) known.clear();
  known.set(family, { at: Date.now(), points });
  return points;
}

/** The last hour of a family in one line, asked for once it is seen, and again while it is. */
export function Spark({ family }: { family: string }): JSX.Element {
  const element = useRef<SVGSVGElement>(null);
  const [points, setPoints] = useState(() => known.get(family)?.points);
  useEffect(() => {
    const abort = new AbortController();
    let isSeen = false;
    let isUnderWay = false;
    let askedAt = Number.NEGATIVE_INFINITY;
    const load = async (): Promise<void> => {
      try {
        if (abort.signal.aborted) return;
        const points = await pointsOf(family, abort.signal);
        if (!abort.signal.aborted) setPoints(points);
      } finally {
        isUnderWay = false;
      }
    };
    const look = (): void => {
      if (!isSeen || isUnderWay || document.hidden || Date.now() - askedAt < REFRESH_MS) return;
      isUnderWay = true;
      askedAt = Date.now();
      queue(load);
    };
    const seen = new IntersectionObserver((entries) => {
      isSeen = entries.at(-1)!.isIntersecting;
      look();
    });
    seen.observe(element.current!);
    const timer = setInterval(look, LOOK_MS);
    return () => {
      seen.disconnect();
      clearInterval(timer);
      abort.abort();
    };
  }, [family]);
  return (
    <svg
      ref={element}
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      {points === undefined ? null : <path d={pathOf(points)} />}
    </svg>
  );
}

/** Gaps stay gaps; all is scaled to what was seen. */
export function pathOf(points: History['points']): string {
  const values = points.filter((point): point is number => point !== null && Number.isFinite(point));
  if (values.length === 0) return '';
  const low = Math.min(0, ...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  const step = (WIDTH - 2) / Math.max(1, points.length - 1);
  let path = '';
  let isPen = false;
  for (const [i, point] of points.entries()) {
    if (point === null || !Number.isFinite(point)) {
      isPen = false;
      continue;
    }
    const y = HEIGHT - 2 - ((point - low) / span) * (HEIGHT - 4);
    path += `${isPen ? 'L' : 'M'}${(1 + i * step).toFixed(1)} ${y.toFixed(1)}`;
    // A single point is a dot.
    if (!isPen && (points[i + 1] ?? null) === null) path += 'h.1';
    isPen = true;
  }
  return path;
}
