import { Counter, Pushgateway, Registry } from 'prom-client';

const registry = new Registry();
new Counter({ name: 'files_total', help: 'Files saved.', registers: [registry] }).inc();
await new Pushgateway('http://localhost:9091', {}, registry).push({
  jobName: 'backup',
  groupings: { instance: '7' },
});
