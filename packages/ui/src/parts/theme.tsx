import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const KEY = 'prom-aggregation-gateway-theme';
const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

function stored(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return themes.find((theme) => theme === text) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** As the system has it, or as was chosen here. */
export function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Then it holds as long as this page.
    }
  }, [theme]);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  const icon = { auto: '◐', light: '☀', dark: '☾' }[theme];
  return (
    <button
      type="button"
      class="quiet icon"
      title={`Colors: ${theme}; change to ${next}`}
      aria-label={`Colors: ${theme}; change to ${next}`}
      onClick={() => setTheme(next)}
    >
      {icon}
    </button>
  );
}
