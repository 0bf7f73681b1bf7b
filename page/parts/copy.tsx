/** A command, and a button that puts it on the clipboard. */
import { useState } from 'preact/hooks';

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const copy = () => {
    void write(text).then((isWritten) => {
      setState(isWritten ? 'copied' : 'failed');
      setTimeout(() => setState('idle'), 2000);
    });
  };
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{state === 'idle' ? label : state === 'copied' ? 'Copied' : 'Select it by hand'}</span>
    </button>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command is scrolled by the keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Copy text={text} />
    </div>
  );
}

/** The clipboard is there only with TLS or on the machine itself. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
