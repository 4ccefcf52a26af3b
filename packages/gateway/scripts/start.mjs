// What `npm start` runs. npm passes a signal on to the shell that it runs the script in; where that waits for the gateway, as dash does, it
// ends and passes nothing on. So the gateway stops when its parent has gone.
import process from 'node:process';

const LOOK_EVERY_MS = 100;

const { ppid } = process;
// Windows has no such signals, and there the parent stays the same.
const watch = setInterval(() => {
  if (process.ppid !== ppid) stop();
}, LOOK_EVERY_MS);
watch.unref();

function stop() {
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
}

await import('../dist/main.js');
