/** Who scrapes, and what is wrong with that. */
import type { JSX } from 'preact';

import { ago, bytes, duration, fullTime } from '../lib/format.ts';
import { useLoaded, useNow } from '../lib/hooks.ts';
import type { Scraper } from '../lib/types.ts';
import { Badge, Code, cut, Empty, Loading, Notice } from '../parts/basic.tsx';
import { useKnown } from '../parts/context.tsx';
import { Table } from '../parts/table.tsx';

const REFRESH_MS = 5_000;
/** Who has not scraped for so long, or for three intervals, is counted no more. */
const GONE_SECONDS = 300;

export function ScrapersView(): JSX.Element {
  const loaded = useLoaded<{ readonly scrapers: readonly Scraper[] }>('/api/v1/scrapers', REFRESH_MS);
  const now = useNow(5_000);
  return (
    <>
      <div class="head">
        <h1>Scrapers</h1>
      </div>
      <Loading of={loaded}>
        {({ scrapers }) => (
          <>
            <Findings scrapers={scrapers} now={now} />
            {scrapers.length === 0 ? <Nobody /> : <ScraperTable scrapers={scrapers} now={now} />}
          </>
        )}
      </Loading>
    </>
  );
}

export function isGone({ last, intervalSeconds }: Scraper, now: number): boolean {
  return now - last > Math.max(GONE_SECONDS, 3 * (intervalSeconds ?? 0));
}

function Findings({ scrapers, now }: { scrapers: readonly Scraper[]; now: number }): JSX.Element | null {
  const present = scrapers.filter((scraper) => scraper.target === 'aggregate' && !isGone(scraper, now));
  if (scrapers.length > 0 && present.length === 0)
    return (
      <Notice tone="warn">
        <p>
          <b>Nobody scrapes the aggregate.</b> What is pushed reaches no Prometheus.
        </p>
      </Notice>
    );
  const programs = present.filter(({ userAgent }) => !/curl|mozilla|wget/i.test(userAgent));
  if (programs.length > 1)
    return (
      <Notice tone="warn">
        <p>
          <b>{programs.length} targets scrape one aggregate.</b> That is meant for Prometheus servers in
          pairs. Within one Prometheus, each sum is stored that often, and
          <code> sum() </code> over them is too high: leave one target, or one address of the service.
        </p>
      </Notice>
    );
  return null;
}

function Nobody(): JSX.Element {
  const { overview } = useKnown();
  const url = new URL(overview.pushUrl, location.href);
  const path = url.pathname.replace(/\/metrics\/$/, '/metrics');
  return (
    <Empty title="Nobody scrapes">
      <p>What is pushed reaches no Prometheus yet. In its configuration:</p>
      <Code
        name="Scrape configuration"
        text={`scrape_configs:\n  - job_name: pushed\n    honor_labels: true\n${path === '/metrics' ? '' : `    metrics_path: ${path}\n`}    static_configs:\n      - targets: ['${url.host}']\n`}
      />
    </Empty>
  );
}

function ScraperTable({ scrapers, now }: { scrapers: readonly Scraper[]; now: number }): JSX.Element {
  return (
    <Table<Scraper>
      caption="Scrapers"
      rows={scrapers}
      keyOf={({ address, userAgent, target }) => `${address} ${userAgent} ${target}`}
      columns={[
        {
          name: 'Scraper',
          class: 'main-cell',
          cell: ({ address, userAgent }) => (
            <>
              <span class="mono">{address}</span>
              <bdi class="help" title={cut(userAgent, 1_000)}>
                {cut(userAgent, 120) || 'no User-Agent'}
              </bdi>
            </>
          ),
        },
        {
          name: 'Scrapes',
          cell: ({ target }) => (
            <Badge tone={target === 'aggregate' ? 'info' : 'neutral'}>
              {target === 'aggregate' ? 'aggregate' : 'own metrics'}
            </Badge>
          ),
        },
        {
          name: 'Last',
          isNumber: true,
          cell: (scraper) => (
            <time class={isGone(scraper, now) ? 'old' : undefined} title={fullTime(scraper.last)}>
              {ago(now - scraper.last)}
            </time>
          ),
        },
        {
          name: 'Interval',
          isNumber: true,
          cell: ({ intervalSeconds }) =>
            intervalSeconds === null ? <span class="dim">–</span> : duration(intervalSeconds),
        },
        { name: 'Took', isNumber: true, isMinor: true, cell: ({ seconds }) => duration(seconds) },
        { name: 'Size', isNumber: true, cell: (scraper) => bytes(scraper.bytes) },
        {
          name: 'Format',
          isMinor: true,
          cell: ({ format }) => <span title={format}>{cut(format, 40)}</span>,
        },
      ]}
    />
  );
}
