/** Asks for a token, or a user and a password, and tries it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { ApiError, send } from '../lib/api.ts';
import { signIn, signOut } from '../lib/session.ts';
import { ErrorNotice, Notice } from '../parts/basic.tsx';

export function SignIn({ reason, onDone }: { reason: ApiError; onDone: () => void }): JSX.Element {
  const [isPassword, setIsPassword] = useState(false);
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const [isKept, setIsKept] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [isBusy, setIsBusy] = useState(false);
  const attempt = async (): Promise<void> => {
    setIsBusy(true);
    setError(undefined);
    signIn(isPassword ? { user, password: secret } : { token: secret }, isKept);
    try {
      await send('/');
      onDone();
    } catch (failed) {
      signOut();
      setError(failed instanceof ApiError ? failed : new ApiError(String(failed), 0));
      setIsBusy(false);
    }
  };
  return (
    <main class="sign-in" id="main">
      <h1>Sign in</h1>
      {reason.status === 403 ? (
        <Notice tone="warn">
          <p>{reason.message}</p>
        </Notice>
      ) : (
        <p class="dim">This gateway shows what it holds only to those who may read it.</p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt();
        }}
      >
        <fieldset class="choice">
          <legend class="hidden">With</legend>
          <label>
            <input type="radio" name="kind" checked={!isPassword} onChange={() => setIsPassword(false)} />{' '}
            Token
          </label>
          <label>
            <input type="radio" name="kind" checked={isPassword} onChange={() => setIsPassword(true)} /> User
            and password
          </label>
        </fieldset>
        {isPassword ? (
          <label>
            User
            <input
              type="text"
              required
              autocomplete="username"
              autocapitalize="off"
              spellcheck={false}
              value={user}
              onInput={(event) => setUser(event.currentTarget.value)}
            />
          </label>
        ) : null}
        <label>
          {isPassword ? 'Password' : 'Token'}
          <input
            type="password"
            required
            autocomplete={isPassword ? 'current-password' : 'off'}
            spellcheck={false}
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isKept}
            onChange={(event) => setIsKept(event.currentTarget.checked)}
          />{' '}
          Keep it until this tab is closed
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      {error === undefined ? null : <ErrorNotice error={error} />}
    </main>
  );
}
