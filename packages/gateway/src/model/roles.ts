/** What a request may be for: listeners serve some of it, and each route belongs to one. */
export const roles = ['push', 'delete', 'scrape', 'read', 'admin', 'lifecycle'] as const;

/**
 * `push`: pushes and their preflights; `delete`: DELETE of one source; `scrape`: the exposition and the own metrics; `read`: the start page,
 * which metrics, labels and series there are, and who has how many;
 * `admin`: deletions by selector; `lifecycle`: reloads.
 */
export type Role = (typeof roles)[number];
