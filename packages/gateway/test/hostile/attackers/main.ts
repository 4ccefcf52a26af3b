/** One attack as a process: `main.js NAME URL SECONDS SEED add|by-job`. Prints its report when the time is over, or the gateway is gone. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Attack, AttackReport } from './attack.ts';
import { attacks } from './attacks.ts';
import { tokenFlood } from './token-flood.ts';
import { Target } from './wire.ts';

const [name = '', url = '', seconds = '', seed = '', mode = 'add'] = process.argv.slice(2);
const all: Readonly<Record<string, Attack>> = { ...attacks, tokenFlood };
const attack = all[name];
if (attack === undefined)
  throw new Error(`no attack ${JSON.stringify(name)}; there are ${Object.keys(all).join(', ')}`);

process.once('message', finish);
// Whoever started this is gone, and so must this be.
process.once('disconnect', () => process.exit(1));

const target = new Target(url);
const endMs = performance.now() + Number(seconds) * 1000;
let state = Number(seed) >>> 0;
const chance = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

let rounds = 0;
setTimeout(finish, Number(seconds) * 1000);
for (; performance.now() < endMs; rounds += 1) {
  await attack.round({ target, byJob: mode === 'by-job', round: rounds, chance, endMs });
  await sleep(attack.pauseMs);
}

function finish(): void {
  const { sent, replies, closed } = target;
  const report: AttackReport = { rounds, sent, replies, closed };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}
