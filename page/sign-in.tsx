/** Asks for a token, where the platform asks for one. */
import { useState } from 'preact/hooks';
import { Command } from './parts/copy.tsx';

export function SignIn({ problem, onToken }: { problem: string | undefined; onToken: (token: string) => void }) {
  const [given, setGiven] = useState('');
  return (
    <main class="alone">
      <h1>Knative Lambda</h1>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          onToken(given.trim());
        }}
      >
        <p>This platform asks who you are. Paste a token: it stays in this tab, and is gone when you close it.</p>
        <label>
          Token
          <input
            type="password"
            autocomplete="off"
            required
            value={given}
            onInput={(event) => setGiven(event.currentTarget.value)}
          />
        </label>
        {problem !== undefined && (
          <p class="bad-text" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="primary push">
            Go on
          </button>
        </div>
        <p class="quiet">A token of a ServiceAccount, for an hour:</p>
        <Command text="kubectl create token ACCOUNT --audience knative-lambda --duration 1h" />
      </form>
    </main>
  );
}
