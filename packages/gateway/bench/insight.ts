/** What it adds to pushes that some of them are looked at: the time of a look, and of the share of pushes that is looked at. */
import { Gateway } from '../dist/gateway/gateway.js';
import { defaultGatewayOptions } from '../dist/gateway/options.js';
import { groupingKey } from '../dist/model/labels.js';
import { systemClock } from '../dist/primitives/clock.js';
import { silentLog } from '../dist/primitives/log.js';

const ROUNDS = 9;
const LOOKS_A_SECOND = 16;

/** Of pushes of this body, one after the other: with a look at each of them, and with none. */
export async function insightLines(name: string, body: Uint8Array, pushes: number): Promise<string[]> {
  const key = groupingKey([{ name: 'job', value: 'bench' }]);
  const client = { sender: '192.0.2.1', isGone: false };
  const make = (looks: boolean): Gateway => {
    const gateway = new Gateway({ options: defaultGatewayOptions, clock: systemClock, log: silentLog });
    const { rate } = gateway.insight;
    rate.isDue = () => looks;
    rate.begin = () => 1;
    return gateway;
  };
  const [none, all] = [make(false), make(true)];
  const nanosOf = async (gateway: Gateway): Promise<number> => {
    const before = process.cpuUsage();
    for (let i = 0; i < pushes; i += 1) await gateway.push({ method: 'POST', key, body, client });
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / pushes;
  };
  const looks: number[] = [];
  const without: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const push = await nanosOf(none);
    without.push(push);
    looks.push((await nanosOf(all)) - push);
  }
  await Promise.all([none.close(), all.close()]);
  const [look, push] = [median(looks), median(without)];
  return [
    `${name}: a look takes ${(look / push).toFixed(2)} × a push; at 10,000 pushes a second looks are ${((100 * LOOKS_A_SECOND * look) / (10_000 * push)).toFixed(2)} % of them`,
  ];
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
