/** A path for each place of the table of routes. */
export const pathOf: Readonly<Record<string, string>> = {
  push: '/metrics/job/x',
  scrape: '/metrics',
  telemetry: '/-/metrics',
  delete_series: '/api/v1/admin/tsdb/delete_series?match[]=a',
  sources: '/api/v1/sources?match[]={job="x"}',
  wipe: '/api/v1/admin/wipe',
  tsdb_status: '/api/v1/status/tsdb',
  refusals: '/api/v1/refusals',
  healthy: '/-/healthy',
  ready: '/-/ready',
  reload: '/-/reload',
  page: '/',
};
