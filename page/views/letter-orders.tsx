/** Sends an order about all letters of one cause, and tells what came of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '#page/api/client.ts';
import { keptEvents, onEvents } from '#page/api/live.ts';
import { sendEvent } from '#page/api/send-event.ts';
import { counted } from '#page/format.ts';
import { Mark } from '#page/parts/mark.tsx';
import { Failure } from '#page/parts/notices.tsx';
import type { EventLine } from '#shared/api/schemas.ts';

interface LetterOrdersProps {
  reason: string;
  type: string;
  isPermanent: boolean;
}

type Order = 'try' | 'replay' | 'purge';

/** Of both answers, those fields that are told. */
interface Outcome {
  replayed?: number;
  purged?: number;
  skipped?: number;
  remaining: number;
  refused?: { id: string; why: string }[];
  dry_run: boolean;
}

export function LetterOrders({ reason, type, isPermanent }: LetterOrdersProps) {
  const [isForced, setForced] = useState(false);
  const [waiting, setWaiting] = useState<{ order: Order; correlation_id?: string }>();
  const [outcome, setOutcome] = useState<Outcome>();
  const [error, setError] = useState<ApiError>();
  const dialog = useRef<HTMLDialogElement>(null);

  const wanted = waiting?.correlation_id;
  useEffect(() => {
    if (wanted === undefined) {
      return;
    }
    const see = (batch: readonly EventLine[]) => {
      const answer = batch.find(
        (event) => event.correlation_id === wanted && /^dead-letter\.(replayed|purged)$/.test(event.type),
      );
      if (answer) {
        setOutcome(answer.data as Outcome);
        setWaiting(undefined);
      }
    };
    // It may have come before anybody knew what to look for.
    see(keptEvents());
    return onEvents(see);
  }, [wanted]);

  const send = async (order: Order) => {
    setError(undefined);
    setOutcome(undefined);
    setWaiting({ order });
    const chosen = { reason, type, max: 1000 };
    try {
      const { correlation_id } = await sendEvent(
        order === 'purge'
          ? { type: 'dead-letter.purge', data: chosen }
          : { type: 'dead-letter.replay', data: { ...chosen, force: isForced, dry_run: order === 'try' } },
      );
      setWaiting({ order, correlation_id });
    } catch (problem) {
      setError(problem as ApiError);
      setWaiting(undefined);
    }
  };

  return (
    <div class="orders">
      <div class="actions">
        <button type="button" class="small" disabled={waiting !== undefined} onClick={() => void send('try')}>
          Dry run
        </button>
        <button type="button" class="small" disabled={waiting !== undefined} onClick={() => void send('replay')}>
          Replay all
        </button>
        <button
          type="button"
          class="small"
          disabled={waiting !== undefined}
          onClick={() => dialog.current?.showModal()}
        >
          Purge…
        </button>
        {isPermanent && (
          <label class="check">
            <input type="checkbox" checked={isForced} onChange={(event) => setForced(event.currentTarget.checked)} />
            The cause is mended: send them even so
          </label>
        )}
      </div>
      <div aria-live="polite">
        {waiting && <Mark state="running">The order is under way: ten letters a second</Mark>}
        {outcome && <p>{told(outcome)}</p>}
        {outcome?.refused && outcome.refused.length > 0 && <p class="quiet">{outcome.refused[0]?.why}</p>}
      </div>
      {error && <Failure error={error} />}
      <dialog ref={dialog} aria-labelledby="purge-title">
        <h2 id="purge-title">Delete all letters of this cause?</h2>
        <p>
          Events of the type {type} with the reason {reason} can then not be sent again.
        </p>
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep them
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => {
              dialog.current?.close();
              void send('purge');
            }}
          >
            Delete them
          </button>
        </div>
      </dialog>
    </div>
  );
}

function told({ replayed, purged, skipped = 0, remaining, refused = [], dry_run }: Outcome): string {
  const done =
    purged === undefined
      ? `${counted(replayed ?? 0, 'letter')} ${dry_run ? 'would be sent' : 'sent'}`
      : `${counted(purged, 'letter')} ${dry_run ? 'would be deleted' : 'deleted'}`;
  return [
    done,
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
    ...(skipped > 0 ? [`${skipped} had been replayed before`] : []),
    ...(remaining > 0 ? [`${remaining} left for the next order`] : []),
  ].join(', ');
}
