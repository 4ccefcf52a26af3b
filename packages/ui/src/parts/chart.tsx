import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import { si } from '../lib/format.ts';
import type { History } from '../lib/types.ts';

export interface Line {
  readonly name: string;
  readonly points: History['points'];
}

interface ChartProps {
  /** What is drawn, for those who do not see it. */
  readonly title: string;
  readonly begin: number;
  readonly stepSeconds: number;
  readonly lines: readonly Line[];
  readonly unit?: string;
}

const HEIGHT = 220;
const colors = ['--line-1', '--line-2', '--line-3', '--line-4'];

/** Lines over time. What draws it is loaded with the first chart. */
export function Chart({ title, begin, stepSeconds, lines, unit = '' }: ChartProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const [isFailed, setIsFailed] = useState(false);
  useEffect(() => {
    const target = element.current!;
    let plot: uPlot | undefined;
    let isGone = false;
    const resized = new ResizeObserver(() => plot?.setSize({ width: target.clientWidth, height: HEIGHT }));
    import('uplot').then(
      ({ default: Plot }) => {
        if (isGone) return;
        const times = (lines[0]?.points ?? []).map((_, i) => begin + i * stepSeconds);
        const values = lines.map(({ points }) =>
          points.map((point) => (point !== null && Number.isFinite(point) ? point : null)),
        );
        plot = new Plot(optionsFor(target, lines, unit), [times, ...values], target);
        resized.observe(target);
        showLast(plot);
      },
      () => setIsFailed(true),
    );
    return () => {
      isGone = true;
      resized.disconnect();
      plot?.destroy();
    };
  }, [begin, stepSeconds, lines, unit, theme]);
  return (
    <figure class="chart">
      <div ref={element} class="plot" role="img" aria-label={`${title}. ${summaryOf(lines)}`} />
      {isFailed ? <figcaption>The chart could not be loaded; reload the page.</figcaption> : null}
    </figure>
  );
}

function optionsFor(target: HTMLElement, lines: readonly Line[], unit: string): uPlot.Options {
  const style = getComputedStyle(target);
  const color = resolver(target);
  const axis: uPlot.Axis = {
    stroke: color('--dim'),
    grid: { stroke: color('--border'), width: 1 },
    ticks: { stroke: color('--border'), width: 1, size: 4 },
    font: `12px ${style.fontFamily}`,
  };
  const shown = (value: number | null): string =>
    value === null ? '–' : `${si(value)}${unit === '' ? '' : ` ${unit}`}`;
  return {
    width: target.clientWidth,
    height: HEIGHT,
    cursor: { points: { size: 6 }, drag: { setScale: false } },
    legend: { live: true },
    scales: { y: { range: (_plot, low, high) => rangeOf(low, high) } },
    axes: [
      { ...axis, values: '{HH}:{mm}', space: 70 },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map((tick) => si(tick)) },
    ],
    series: [
      { label: 'Time', value: '{HH}:{mm}:{ss}' },
      ...lines.map(({ name }, i): uPlot.Series => {
        const stroke = color(colors[i % colors.length]!);
        return {
          label: name,
          stroke,
          width: 1.75,
          ...(lines.length === 1 ? { fill: color('--line-fill') } : {}),
          points: {
            show: lines.every(({ points }) => points.filter((point) => point !== null).length < 3),
            size: 5,
            fill: stroke,
          },
          value: (_plot, value) => shown(value as number | null),
        };
      }),
    ],
  };
}

/** The legend says the newest, where no point is looked at. */
function showLast(plot: uPlot): void {
  const last = (): void => plot.setLegend({ idx: plot.data[0].length - 1 }, false);
  // What is done by itself at first and on leaving comes before.
  const soon = (): number => requestAnimationFrame(last);
  plot.over.addEventListener('mouseleave', soon);
  soon();
}

/** What a canvas can draw with: a variable may be of either scheme. */
function resolver(target: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    target.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/** From 0 where nothing is below it, and never without a height. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  const least = Math.min(0, low ?? 0);
  const most = Math.max(0, high ?? 0);
  if (least === most) return [0, 1];
  const over = (most - least) * 0.08;
  return [least === 0 ? 0 : least - over, most === 0 ? 0 : most + over];
}

function summaryOf(lines: readonly Line[]): string {
  return lines
    .map(({ name, points }) => {
      const values = points.filter((point): point is number => point !== null && Number.isFinite(point));
      if (values.length === 0) return `${name}: nothing yet`;
      return `${name}: now ${si(values.at(-1)!)}, lowest ${si(Math.min(...values))}, highest ${si(Math.max(...values))}`;
    })
    .join('; ');
}

/** Changes when colors do. */
function useTheme(): string {
  const read = (): string =>
    `${document.documentElement.dataset.theme ?? ''} ${matchMedia('(prefers-color-scheme: dark)').matches}`;
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const changed = (): void => setTheme(read());
    const query = matchMedia('(prefers-color-scheme: dark)');
    query.addEventListener('change', changed);
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      query.removeEventListener('change', changed);
      observer.disconnect();
    };
  }, []);
  return theme;
}

/** The last known part of each bucket, by its upper bound. */
export function BucketBars({
  buckets,
}: {
  buckets: readonly { readonly le: string; readonly count: number }[];
}): JSX.Element {
  const most = Math.max(...buckets.map(({ count }) => count), 0) || 1;
  return (
    <ol class="buckets" aria-label="Buckets">
      {buckets.map(({ le, count }) => (
        <li key={le} title={`≤ ${le}: ${count}`}>
          <span class="bucket-le">≤ {le}</span>
          <span class="bucket-bar">
            <span style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span class="bucket-count">{si(count)}</span>
        </li>
      ))}
    </ol>
  );
}
