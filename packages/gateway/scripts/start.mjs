// What `npm start` runs. npm passes a signal on to the shell that it runs the script in; where that waits for the gateway, as dash does, it
// ends and passes nothing on. So the gateway stops when its parent has gone. Of SIGINT, sent to npm alone, nobody hears: dash ends
// by it only after the gateway, and `exec` in the script, which would leave out the shell, is no command of Windows.
import process from 'node:process';

const LOOK_EVERY_MS = 100;

// Windows has no such signals; there the parent stays the same, and to ask for it means a look at all processes.
if (process.platform !== 'win32') watchParent(process.ppid);

function watchParent(parent) {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  watch.unref();
}

await import('../dist/main.js');
