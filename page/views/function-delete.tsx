/** Deletes a function, after its name was typed. */
import { useRef, useState } from 'preact/hooks';
import type { ApiError } from '#page/api/client.ts';
import { sendEvent } from '#page/api/send-event.ts';
import { Failure } from '#page/parts/notices.tsx';
import { navigate } from '#page/router.ts';

export function DeleteFunction({ identity }: { identity: { third_party_id: string; parser_id: string } }) {
  const { third_party_id, parser_id } = identity;
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<ApiError>();
  const remove = async () => {
    try {
      await sendEvent({
        type: 'service.delete',
        subject: `${third_party_id}/${parser_id}`,
        data: { third_party_id, parser_id, reason: 'deleted on the page' },
      });
      dialog.current?.close();
      navigate('/');
    } catch (problem) {
      setError(problem as ApiError);
    }
  };
  return (
    <>
      <button type="button" class="small push" onClick={() => dialog.current?.showModal()}>
        Delete…
      </button>
      <dialog ref={dialog} aria-labelledby="delete-title">
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault();
            void remove();
          }}
        >
          <h2 id="delete-title">Delete {parser_id}?</h2>
          <p>Its versions go, and its build ends if one runs. The source in S3 stays.</p>
          <label>
            Type its name
            <input value={typed} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
          {error && <Failure error={error} />}
          <div class="actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              Keep it
            </button>
            <button type="submit" class="danger" disabled={typed !== parser_id}>
              Delete
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
