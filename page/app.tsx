/** The frame of every view: where one can go, whether the page is live, and who one is. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Me } from '#shared/api/schemas.ts';
import { type ApiError, onUnauthenticated, read, setToken, token } from './api/client.ts';
import { forgetEvents, liveState, onLiveState, startLive } from './api/live.ts';
import { DropZone } from './deploy/drop-zone.tsx';
import { capitalized } from './format.ts';
import { Brand, Header } from './header.tsx';
import { MeContext } from './me.ts';
import { Failure } from './parts/notices.tsx';
import { followLinks, type Route, useRoute } from './router.ts';
import { SignIn } from './sign-in.tsx';
import { Build } from './views/build.tsx';
import { Builds } from './views/builds.tsx';
import { DeadLetters } from './views/dead-letters.tsx';
import { Events } from './views/events.tsx';
import { OneFunction } from './views/function.tsx';
import { Functions } from './views/functions.tsx';
import { Health } from './views/health.tsx';

type Reader = { me: Me } | { signIn: string | undefined } | { error: ApiError } | undefined;

export function App() {
  const [reader, setReader] = useState<Reader>();
  const ask = useCallback(() => {
    read<Me>('/me')
      .then((me) => setReader({ me }))
      .catch((error: ApiError) =>
        setReader(error.status === 401 || error.status === 403 ? { signIn: token() && error.message } : { error }),
      );
  }, []);
  useEffect(ask, []);
  useEffect(followLinks, []);
  useEffect(() => onUnauthenticated(() => setReader({ signIn: token() && 'The token does not count any more.' })), []);
  useEffect(() => {
    if (reader && 'error' in reader) {
      const timer = setTimeout(ask, 2000);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [reader]);

  if (reader === undefined) {
    return (
      <header>
        <Brand />
      </header>
    );
  }
  if ('error' in reader) {
    return (
      <main class="alone">
        <h1>Knative Lambda</h1>
        <Failure error={reader.error} retry={ask} />
      </main>
    );
  }
  if ('signIn' in reader) {
    return (
      <SignIn
        problem={reader.signIn}
        onToken={(given) => {
          setToken(given);
          forgetEvents();
          ask();
        }}
      />
    );
  }
  return (
    <MeContext.Provider value={reader.me}>
      <Page
        signOut={() => {
          setToken(undefined);
          forgetEvents();
          ask();
        }}
      />
    </MeContext.Provider>
  );
}

function Page({ signOut }: { signOut: () => void }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const [live, setLive] = useState(liveState);
  useEffect(startLive, []);
  useEffect(() => onLiveState(setLive), []);
  const place = route.segments.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    const [view = 'functions', ...names] = route.segments;
    document.title = `${[...names.slice(0, 2), titleOf(view)].join(' · ')} – Knative Lambda`;
    // Whoever goes on by keyboard or screen reader begins at the top of the new view.
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [place]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header view={route.segments[0] ?? 'functions'} live={live} signOut={signOut} />
      <main id="main" ref={main} tabIndex={-1}>
        <View {...route} />
      </main>
      <DropZone />
    </>
  );
}

function View({ segments, query }: Route) {
  const [view = 'functions', third_party_id, parser_id, last] = segments;
  if (view === 'functions') {
    return third_party_id !== undefined && parser_id !== undefined ? (
      <OneFunction
        key={`${third_party_id}/${parser_id}`}
        third_party_id={third_party_id}
        parser_id={parser_id}
        tab={last}
      />
    ) : (
      <Functions query={query} />
    );
  }
  if (view === 'builds') {
    return third_party_id !== undefined && parser_id !== undefined && last !== undefined ? (
      <Build key={last} third_party_id={third_party_id} parser_id={parser_id} correlation_id={last} />
    ) : (
      <Builds query={query} />
    );
  }
  if (view === 'events') {
    return <Events query={query} />;
  }
  if (view === 'dead-letters') {
    return <DeadLetters />;
  }
  if (view === 'health') {
    return <Health />;
  }
  return (
    <section class="empty">
      <h1>There is no such page</h1>
      <p>
        <a href="/">All functions</a>
      </p>
    </section>
  );
}

function titleOf(view: string): string {
  return capitalized(view.replaceAll('-', ' '));
}
