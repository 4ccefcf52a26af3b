/** Names the user, as rights on volumes and secrets of containers are given to a number. */
export function permissionDenied(): string {
  const user = process.geteuid?.();
  return user === undefined ? 'permission denied' : `permission denied to user ${user}`;
}
