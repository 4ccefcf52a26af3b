const url = 'http://localhost:9091/metrics/';
const registry = promjs.default();
const clicks = registry.create('counter', 'clicks_total', 'Clicks.');
addEventListener('click', () => clicks.inc());

function push() {
  const sent = fetch(url, { method: 'POST', body: registry.metrics(), keepalive: true });
  registry.reset();
  return sent;
}
setInterval(() => push().catch(console.warn), 30_000);

addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden') return;
  if (navigator.sendBeacon(url, registry.metrics())) registry.reset();
});
