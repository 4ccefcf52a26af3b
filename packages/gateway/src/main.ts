#!/usr/bin/env node
/** The command. An older Node cannot even read the rest, so it is told here what it lacks, and nothing else is imported before. */
const NODE_MAJOR_MIN = 20;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `prom-aggregation-gateway requires Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}\n`,
  );
  process.exitCode = 1;
} else if (process.argv[2] === 'health') {
  // A health check comes every few seconds, so it loads little more than the options.
  const { runHealthCommand } = await import('./health-command.ts');
  await runHealthCommand();
} else {
  const { runProcess } = await import('./process.ts');
  await runProcess();
}

export {};
