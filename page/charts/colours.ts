/** Colours of the styles, for what is drawn on a canvas. It is drawn again when light and dark change. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useMedia } from '#page/parts/use-now.ts';

export function useColours(): (name: string) => string {
  const isDark = useMedia('(prefers-color-scheme: dark)');
  const [theme, setTheme] = useState(() => document.documentElement.dataset['theme']);
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(document.documentElement.dataset['theme']));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, []);
  // Another function each time, so that whoever has drawn with it draws again.
  return useMemo(() => (name: string) => colourOf(name), [isDark, theme]);
}

/** As a canvas takes it: light-dark() is worked out by the browser only where an element has it. */
function colourOf(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
