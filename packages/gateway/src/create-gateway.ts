import { assemble, assembleDurable } from './assemble.ts';
import { checkOptions } from './check-options.ts';
import { embeddedGateway, partsOf } from './embed.ts';
import type { EmbeddedGateway, EmbeddedOptions, EmbeddedStorage } from './embedded.ts';
import { storageOptionTable } from './journal/options.ts';
import { withDefaults } from './options/option.ts';

/**
 * A gateway of your own, in memory; several in one process do not know each other. Throws a TypeError for an option that there is not, or
 * that has a value of another type.
 */
export function createGateway(options: EmbeddedOptions = {}): EmbeddedGateway {
  checkOptions(options, { isDurable: false });
  const parts = partsOf(options);
  return embeddedGateway(assemble(parts), parts);
}

/**
 * A gateway of your own whose state outlives a restart. Resolves when it has read what it kept, and rejects with a StorageProblem that
 * says what to do when that cannot be read, or when another process uses the folder. Should the disk fail later, the log says
 * so and pushes are rejected; only a restart helps then.
 */
export async function openGateway(
  options: EmbeddedOptions & { readonly storage: EmbeddedStorage },
): Promise<EmbeddedGateway> {
  checkOptions(options, { isDurable: true });
  const { storage: given, ...others } = options;
  const parts = partsOf(others);
  const { path } = given;
  const storage = { ...withDefaults(storageOptionTable, given, parts.memoryBytes), path };
  const onFailure = (error: Error): void =>
    parts.log.error('the storage failed; restart the gateway', { path, error: String(error) });
  const assembly = await assembleDurable({ ...parts, storage, onFailure });
  try {
    await assembly.gateway.open(storage.snapshotIntervalMs, storage);
  } catch (error) {
    await assembly.gateway.close();
    throw error;
  }
  return embeddedGateway(assembly, parts);
}
