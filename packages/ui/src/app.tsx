/** What is around each view, and which view is at which URL. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { base, send } from './lib/api.ts';
import type { ApiError } from './lib/api.ts';
import { useLoaded, usePlace } from './lib/hooks.ts';
import { hashOf } from './lib/router.ts';
import type { Place } from './lib/router.ts';
import { isSignedIn, signOut } from './lib/session.ts';
import type { Me, Overview, Role } from './lib/types.ts';
import { cut, Empty, ErrorNotice } from './parts/basic.tsx';
import { KnownContext } from './parts/context.tsx';
import { ThemeButton } from './parts/theme.tsx';
import { AuditView } from './views/audit.tsx';
import { CardinalityView } from './views/cardinality.tsx';
import { DeleteView } from './views/delete.tsx';
import { FamiliesView } from './views/families.tsx';
import { FamilyView } from './views/family.tsx';
import { LimitsView } from './views/limits.tsx';
import { PushForm } from './views/push-form.tsx';
import { Pushes } from './views/pushes.tsx';
import { RefusalsView } from './views/refusals.tsx';
import { RulesView } from './views/rules.tsx';
import { ScrapersView } from './views/scrapers.tsx';
import { SignIn } from './views/sign-in.tsx';
import { SourcesView } from './views/sources.tsx';

interface View {
  readonly path: string;
  readonly title: string;
  /** Who has it not does not see the view. */
  readonly role?: Role;
  /** One that others lead to. */
  readonly isHidden?: boolean;
  readonly view: (props: { place: Place }) => JSX.Element;
}

const views: readonly View[] = [
  { path: '', title: 'Pushes', view: Pushes },
  {
    path: 'metrics',
    title: 'Metrics',
    view: ({ place }) =>
      place.parts.length > 1 ? (
        <FamilyView key={place.parts[1]} place={place} />
      ) : (
        <FamiliesView place={place} />
      ),
  },
  { path: 'sources', title: 'Sources', view: SourcesView },
  { path: 'refusals', title: 'Refusals', view: RefusalsView },
  { path: 'cardinality', title: 'Cardinality', view: CardinalityView },
  { path: 'limits', title: 'Limits', view: LimitsView },
  { path: 'scrapers', title: 'Scrapers', view: ScrapersView },
  { path: 'rules', title: 'Rules', view: RulesView },
  { path: 'audit', title: 'Audit', view: AuditView },
  { path: 'push', title: 'Push', role: 'push', view: PushForm },
  { path: 'delete', title: 'Delete', isHidden: true, view: DeleteView },
];

const REFRESH_MS = 2_000;
/** Another member of a cluster may lead by then. */
const ME_REFRESH_MS = 15_000;
const loadOverview = async (path: string, { signal }: { signal: AbortSignal }): Promise<Overview> =>
  (await send(path, { signal })).json() as Promise<Overview>;

export function App(): JSX.Element {
  const [session, setSession] = useState(0);
  return <Session key={session} onChange={() => setSession((before) => before + 1)} />;
}

function Session({ onChange }: { onChange: () => void }): JSX.Element {
  const overview = useLoaded<Overview>('/', REFRESH_MS, loadOverview);
  const me = useLoaded<Me>('/api/v1/status/me', ME_REFRESH_MS);
  const refused = [overview.error, me.error].find((error) => error?.status === 401 || error?.status === 403);
  if (refused !== undefined) return <SignIn reason={refused} onDone={onChange} />;
  if (overview.value === undefined || me.value === undefined) {
    const error = overview.error ?? me.error;
    return (
      <main id="main">
        {error === undefined ? (
          <p class="loading">Loading…</p>
        ) : (
          <ErrorNotice error={error} retry={onChange} />
        )}
      </main>
    );
  }
  const pushPath = new URL(overview.value.pushUrl, location.href).pathname;
  const known = { me: me.value, overview: overview.value, pushPath: withoutBase(pushPath) };
  return (
    <KnownContext.Provider value={known}>
      <Frame
        lost={overview.error}
        onSignOut={() => {
          signOut();
          onChange();
        }}
        known={known}
      />
    </KnownContext.Provider>
  );
}

/** Requests are relative to where the gateway is, also where a proxy has put it below a path. */
function withoutBase(pushPath: string): string {
  const prefix = new URL(base).pathname.replace(/\/$/, '');
  return pushPath.startsWith(`${prefix}/`) ? pushPath.slice(prefix.length) : pushPath;
}

function Frame({
  known: { me, overview },
  lost,
  onSignOut,
}: {
  known: { me: Me; overview: Overview };
  lost: ApiError | undefined;
  onSignOut: () => void;
}): JSX.Element {
  const place = usePlace();
  const [first = ''] = place.parts;
  const shown = views.filter(({ role }) => role === undefined || me.roles.includes(role));
  const view = views.find(({ path }) => path === first);
  const missing = view?.role !== undefined && !me.roles.includes(view.role) ? view.role : undefined;
  useTitle(view, place);
  useShortcut();
  useEffect(() => {
    // On a phone not all of them are seen.
    document.querySelector('.top nav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
  }, [first]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="top">
        <a
          class="brand"
          href={hashOf([])}
          title={`prom-aggregation-gateway ${overview.version}`}
          aria-label="Aggregation gateway"
        >
          <Logo /> <span>Aggregation gateway</span>
        </a>
        <nav aria-label="Views">
          {shown
            .filter(({ isHidden }) => isHidden !== true)
            .map(({ path, title }) => (
              <a
                key={path}
                href={hashOf(path === '' ? [] : [path])}
                aria-current={path === first ? 'page' : undefined}
              >
                {title}
              </a>
            ))}
        </nav>
        <div class="top-end">
          {isSignedIn() ? (
            <button
              type="button"
              class="quiet"
              onClick={onSignOut}
              title={me.token === null ? 'Signed in' : `Signed in with ${me.token}`}
            >
              Sign out
            </button>
          ) : null}
          <ThemeButton />
        </div>
      </header>
      {lost === undefined ? null : (
        <p class="lost" role="alert">
          {lost.status === 0 ? 'The gateway does not answer' : cut(lost.message, 300)}. What is shown is as it
          was.
        </p>
      )}
      <main id="main" tabIndex={-1}>
        {view === undefined ? (
          <Empty title="There is no such page" isPage>
            <p>
              <a href={hashOf([])}>Pushes</a>
            </p>
          </Empty>
        ) : missing !== undefined ? (
          <Empty title={`The right ${missing} is missing`} isPage>
            <p>Sign in with a token that has it; tokens get rights in the configuration file.</p>
          </Empty>
        ) : (
          <view.view place={place} />
        )}
      </main>
      <footer>
        <span>prom-aggregation-gateway {overview.version}</span>
        <span>
          {{ add: 'add mode', 'by-job': 'by-job mode', mixed: 'senders of both modes' }[overview.mode]}
        </span>
        {me.member ? <Member {...me.member} /> : null}
        <a href={document.body.dataset.licenses ?? ''}>Licences</a>
      </footer>
    </>
  );
}

function Member({ name, leads }: { name: string; leads: boolean }): JSX.Element {
  return (
    <span>
      member <bdi>{cut(name, 100)}</bdi>,{' '}
      {leads ? 'which leads' : 'which stands by and shows what the leader knows'}
    </span>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main')?.focus();
}

/** Another view has another title, and its beginning is seen, and read out. */
function useTitle(view: View | undefined, { parts }: Place): void {
  const title = parts[1] ?? view?.title ?? 'Not found';
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title.slice(0, 100)} · Aggregation gateway`;
    if (!isFirst.current) {
      scrollTo(0, 0);
      document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [title]);
}

/** `/` goes to the search of a view, as elsewhere. */
function useShortcut(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (
        event.key !== '/' ||
        event.ctrlKey ||
        event.metaKey ||
        /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
      )
        return;
      const search = document.querySelector<HTMLInputElement>('[data-search]');
      if (search === null) return;
      event.preventDefault();
      search.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}

function Logo(): JSX.Element {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--brand)" />
      <path
        d="M7 9h6l6 7h6M7 23h6l6-7M7 16h12"
        fill="none"
        stroke="#fff"
        stroke-width="2.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
