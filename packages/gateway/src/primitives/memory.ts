import { totalmem } from 'node:os';

/** Bytes of memory that this process may use: those of its container, or else of the machine. */
export function memoryOfMachine(): number {
  const total = totalmem();
  // Where nothing is constrained it is 0, or more than there is.
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < total ? constrained : total;
}
