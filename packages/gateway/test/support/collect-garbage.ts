import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of objects and strings that are alive. */
export function aliveBytes(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
