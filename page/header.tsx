/** The views, and what is true on all of them. */
import { useState } from 'preact/hooks';
import { token } from './api/client.ts';
import type { FollowState } from './api/follow.ts';
import { useMe } from './me.ts';
import { currentTheme, nextTheme, setTheme, type Theme } from './theme.ts';

const VIEWS = [
  ['functions', '/', 'Functions', 'M5 3h14v5H5zM5 10h14v5H5zM5 17h14v4H5z'],
  ['builds', '/builds', 'Builds', 'M4 20l8-8m-1-6 4-3 6 6-3 4zM11 6l7 7'],
  ['events', '/events', 'Events', 'M3 12h4l3-8 4 16 3-8h4'],
  ['dead-letters', '/dead-letters', 'Dead letters', 'M3 6h18v12H3zM3 7l9 6 9-6'],
  ['health', '/health', 'Health', 'M12 20s-8-5-8-11a4.5 4.5 0 0 1 8-2.8A4.5 4.5 0 0 1 20 9c0 6-8 11-8 11z'],
] as const;

const LIVE: Record<FollowState, [string, string]> = {
  open: ['live', 'Live'],
  connecting: ['waiting', 'Connecting'],
  lost: ['lost', 'Not live'],
  ended: ['lost', 'Not live'],
};

const THEMES: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' };

interface HeaderProps {
  view: string;
  live: FollowState;
  signOut: () => void;
}

export function Brand() {
  return (
    <a class="brand" href="/">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M10 7h3.2L22 25h-3.4l-4.2-8.9L10.6 25H7.2l5.6-12.2L11.6 10H10z" />
      </svg>
      <span>Knative Lambda</span>
    </a>
  );
}

export function Header({ view, live, signOut }: HeaderProps) {
  const me = useMe();
  const [theme, change] = useState(currentTheme);
  const [look, word] = LIVE[live];
  return (
    <header>
      <Brand />
      <nav aria-label="Views">
        {VIEWS.map(([name, href, title, icon]) => (
          <a key={name} href={href} aria-current={name === view ? 'page' : undefined}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={icon} />
            </svg>
            <span>{title}</span>
          </a>
        ))}
      </nav>
      <div class="about">
        <span class={`live-state ${look}`} role="status" title="Whether changes show by themselves">
          {word}
        </span>
        <span class="place" title={`Version ${me.version}`}>
          {me.platform === 'laptop' ? 'This laptop' : me.namespace}
        </span>
        <button
          type="button"
          class="small"
          aria-label={`Colours: ${THEMES[theme]}. Change`}
          title={`Colours: ${THEMES[theme]}`}
          onClick={() => {
            const next = nextTheme(theme);
            setTheme(next);
            change(next);
          }}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true" class="theme">
            <circle cx="12" cy="12" r="8" />
            <path d="M12 4a8 8 0 0 1 0 16z" />
          </svg>
        </button>
        {token() !== undefined && (
          <button type="button" class="small" onClick={signOut} title={me.principal}>
            Sign out
          </button>
        )}
      </div>
    </header>
  );
}
