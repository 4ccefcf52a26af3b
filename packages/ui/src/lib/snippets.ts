/** How to push a first metric, by language, for this gateway and its mode. */
import { shellWord } from './names.ts';

export interface Snippet {
  readonly name: string;
  readonly code: string;
}

/** `pushUrl` ends in a slash. Where senders push by job, each has its job in the path, and its totals replace each other. */
export function snippetsFor(pushUrl: string, mode: 'add' | 'by-job' | 'mixed', hasToken: boolean): Snippet[] {
  const isAdd = mode === 'add';
  const url = isAdd ? pushUrl : `${pushUrl}job/example`;
  const base = pushUrl.replace(/\/metrics\/$/, '');
  const bearer = hasToken ? `-H ${shellWord('Authorization: Bearer TOKEN')} ` : '';
  const token = hasToken ? ", { token: 'TOKEN' }" : '';
  return [
    {
      name: 'curl',
      code: `echo 'hello_total{from="curl"} 1' | curl ${bearer}--data-binary @- ${shellWord(url)}\n`,
    },
    {
      name: 'Python',
      code: `from prometheus_client import CollectorRegistry, Counter, ${isAdd ? 'pushadd_to_gateway' : 'push_to_gateway'}

registry = CollectorRegistry()
Counter('hello', 'Greetings.', ['from'], registry=registry).labels('python').inc()
${isAdd ? 'pushadd_to_gateway' : 'push_to_gateway'}(${JSON.stringify(base)}, job='example', registry=registry)
`,
    },
    {
      name: 'Go',
      code: `hello := prometheus.NewCounter(prometheus.CounterOpts{Name: "hello_total", Help: "Greetings."})
hello.Inc()
err := push.New(${JSON.stringify(base)}, "example").Collector(hello).${isAdd ? 'Add' : 'Push'}()
`,
    },
    {
      name: 'Node',
      code: `import { Counter, register } from 'prom-client';

new Counter({ name: 'hello_total', help: 'Greetings.' }).inc();
await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  body: await register.metrics(),${hasToken ? `\n  headers: { Authorization: 'Bearer TOKEN' },` : ''}
});
${isAdd ? 'register.resetMetrics(); // what is pushed is added\n' : ''}`,
    },
    {
      name: 'Web page',
      code: isAdd
        ? `import { gateway } from '@prom-aggregation-gateway/client';

const metrics = gateway(${JSON.stringify(pushUrl)}${token});
metrics.counter({ name: 'hello_total', help: 'Greetings.' }).inc();
`
        : `// Web pages push what is new, which is to be added: a rule for these senders says so.
// sources: [{ match: '{job="web"}', mode: add }]
import { gateway } from '@prom-aggregation-gateway/client';

const metrics = gateway(${JSON.stringify(`${pushUrl}job/web`)}${token});
metrics.counter({ name: 'hello_total', help: 'Greetings.' }).inc();
`,
    },
  ];
}
