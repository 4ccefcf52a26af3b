/** A process of `npm run simulation`: goes through seeds, and says of each what came of it. */
import { World } from './world.ts';

const [from, end, step] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const [, , , , , tells, losing] = process.argv;
const loses = losing === 'true';
const tell = tells === 'true' ? (what: string): void => console.log(what) : undefined;

for (let seed = from; seed < end; seed += step) {
  const before = process.cpuUsage();
  let problem: string | undefined;
  let outcome: object | undefined;
  try {
    outcome = await new World(seed, { tell, loses }).run();
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const { user, system } = process.cpuUsage(before);
  process.send!({ seed, problem, outcome, cpuMs: (user + system) / 1000 });
  // Nothing else has its turn while a seed goes on.
  await new Promise((resolve) => void setImmediate(resolve));
}
process.disconnect();
