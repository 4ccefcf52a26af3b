addEventListener('click', () => {
  const body = '# TYPE clicks_total counter\nclicks_total 1\n';
  fetch('http://localhost:9091/metrics/', { method: 'POST', body, keepalive: true }).catch(console.warn);
});
