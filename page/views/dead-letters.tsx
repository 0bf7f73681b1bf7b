/** Events that could not be handled, by cause; operators send them again or delete them. */
import { functionAddress } from '#page/addresses.ts';
import { useList } from '#page/api/use-api.ts';
import { counted } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Mark } from '#page/parts/mark.tsx';
import { Moment } from '#page/parts/moment.tsx';
import { Empty, Failure, Loading } from '#page/parts/notices.tsx';
import type { Letter } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';
import { LetterOrders } from './letter-orders.tsx';
import { byCause, type Cause } from './letters-by-cause.ts';

const FIRST = 10;

export function DeadLetters() {
  const list = useList<Letter>(
    '/dead-letters',
    {},
    {
      keyOf: ({ id }) => id,
      changes: 'all',
      about: ({ type }) => /^(event\.rejected|dead-letter\.)/.test(type),
      every: 10_000,
    },
  );
  const causes = byCause(list.items);
  return (
    <>
      <div class="title">
        <h1>Dead letters</h1>
        <span class="quiet">
          {list.items.length > 0 && `${counted(list.items.length, 'letter')}${list.hasMore ? ' and more' : ''}`}
        </span>
      </div>
      {list.error && <Failure error={list.error} retry={list.refresh} />}
      {list.loading && <Loading />}
      {!list.loading && !list.error && list.items.length === 0 && (
        <Empty title="No event was lost">
          <p>
            An event that is refused, or that nobody can take after all attempts, is kept here until somebody mends the
            cause and sends it again.
          </p>
        </Empty>
      )}
      {causes.map((cause) => (
        <OneCause key={cause.key} cause={cause} />
      ))}
      {list.hasMore && (
        <button type="button" onClick={list.more}>
          Show more letters
        </button>
      )}
    </>
  );
}

function OneCause({ cause }: { cause: Cause }) {
  const me = useMe();
  const { reason, type, category, letters, open } = cause;
  const advice = letters.find((letter) => letter.advice !== undefined)?.advice;
  return (
    <section class="card cause-of-letters" aria-label={`${reason}, ${type}`}>
      <h2>
        <code class="tag">{reason}</code> {type}
        <small class="quiet">
          {counted(open, 'open letter')}
          {letters.length > open && `, ${letters.length - open} replayed`} ·{' '}
          {category === 'permanent' ? 'fails again until somebody mends it' : 'may pass by itself'}
        </small>
      </h2>
      {advice !== undefined && <p>{printable(advice)}</p>}
      {me.operator && <LetterOrders reason={reason} type={type} isPermanent={category === 'permanent'} />}
      <ul class="letters">
        {letters.slice(0, FIRST).map((letter) => (
          <OneLetter key={letter.id} letter={letter} />
        ))}
      </ul>
      {letters.length > FIRST && (
        <details>
          <summary>{counted(letters.length - FIRST, 'more letter')}</summary>
          <ul class="letters">
            {letters.slice(FIRST).map((letter) => (
              <OneLetter key={letter.id} letter={letter} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function OneLetter({ letter }: { letter: Letter }) {
  const { id, time, third_party_id, parser_id, state } = letter;
  return (
    <li>
      <Mark state={state} />
      {third_party_id !== undefined && parser_id !== undefined ? (
        <a href={functionAddress({ third_party_id, parser_id })}>
          <span class="quiet">{third_party_id}/</span>
          {parser_id}
        </a>
      ) : (
        <span class="quiet">about no function</span>
      )}
      <code class="long quiet">{id}</code>
      <span class="quiet push">
        <Moment time={time} />
      </span>
    </li>
  );
}
