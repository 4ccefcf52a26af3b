/** The log that other tests use in the place of an engine is held to what engines are held to. */
import { MemoryEngine, MemoryLog } from '../../support/memory-log.ts';
import { sharedLogContract } from './contract.ts';

sharedLogContract(
  'in memory',
  async () => {
    const engine = new MemoryEngine();
    return async () => new MemoryLog(engine);
  },
  { compares: true },
);
