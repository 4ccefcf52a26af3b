import { Counter, Pushgateway, Registry } from 'prom-client';

const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
new Counter({
  name: 'files_total',
  help: 'Files saved.',
  registers: [registry],
  enableExemplars: true,
}).inc({ exemplarLabels: { trace_id: 'abc' } });
const headers = { 'Content-Type': Registry.OPENMETRICS_CONTENT_TYPE };
await new Pushgateway('http://localhost:9091', { headers }, registry).push({
  jobName: 'backup',
  groupings: { instance: '7' },
});
