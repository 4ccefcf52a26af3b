import { pageFiles } from '../../src/http/routes/page-files.ts';

/** A path for each place of the table of routes. */
export const pathOf: Readonly<Record<string, string>> = {
  push: '/metrics/job/x',
  scrape: '/metrics',
  telemetry: '/-/metrics',
  delete_series: '/api/v1/admin/tsdb/delete_series?match[]=a',
  sources: '/api/v1/sources?match[]={job="x"}',
  wipe: '/api/v1/admin/wipe',
  metadata: '/api/v1/metadata',
  labels: '/api/v1/labels',
  label_values: '/api/v1/label/a/values',
  series: '/api/v1/series?match[]=a',
  buildinfo: '/api/v1/status/buildinfo',
  tsdb_status: '/api/v1/status/tsdb',
  refusals: '/api/v1/refusals',
  me: '/api/v1/status/me',
  watch: '/api/v1/watch?seconds=0',
  families: '/api/v1/families',
  family: '/api/v1/families/a',
  validate: '/api/v1/validate?path=/metrics/job/x',
  healthy: '/-/healthy',
  ready: '/-/ready',
  reload: '/-/reload',
  page: '/',
  page_files: `/-/page/${[...pageFiles()!.byName.keys()][0]}`,
};
