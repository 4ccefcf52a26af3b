/** Sockets that systemd has opened for this process: socket activation, as in sd_listen_fds(3). */

/** The first of them. */
const FIRST_FD = 3;

/** File descriptors that listen; empty where systemd has passed none to this process. */
export function systemdSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly number[] {
  if (env['LISTEN_PID'] !== String(pid)) return [];
  const count = Number(env['LISTEN_FDS']);
  if (!Number.isSafeInteger(count) || count < 1) return [];
  return Array.from({ length: count }, (_, i) => FIRST_FD + i);
}
