/**
 * Loaded into a gateway before its own code, for the rows on memory: SIGUSR2 collects garbage. RSS after a load holds as much
 * garbage as the collector happened to leave, which says little about what the gateway holds.
 */
const { gc } = globalThis;
if (gc === undefined) throw new Error('collect-on-signal needs node --expose-gc');
process.on('SIGUSR2', () => {
  // The second finds what the first one's finalizers let go of.
  gc();
  gc();
});
