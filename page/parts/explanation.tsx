/** Why something is as it is: the cause, what shows it, and the command that mends it. */
import type { Explanation } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { Command } from './copy.tsx';

export function Explained({ explanation }: { explanation: Explanation }) {
  const { healthy, reason, cause, evidence, next } = explanation;
  return (
    <section class={`card explained ${healthy ? 'good' : 'bad'}`} aria-label="Explanation">
      <h2>
        {healthy ? 'Nothing is wrong' : 'Why'}
        {reason !== undefined && <code class="tag">{reason}</code>}
      </h2>
      <p class="cause">{printable(cause)}</p>
      {evidence.length > 0 && (
        <ul class="evidence">
          {evidence.map(({ kind, text, where }, index) => (
            <li key={index}>
              <span class="kind">{kind}</span>
              <div>
                <pre>{printable(text)}</pre>
                {where !== undefined && <small class="quiet">{where}</small>}
              </div>
            </li>
          ))}
        </ul>
      )}
      {next && (
        <div class="next">
          <p>{next.say}</p>
          {next.command !== undefined && <Command text={next.command} />}
        </div>
      )}
    </section>
  );
}
