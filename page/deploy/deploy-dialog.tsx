/** Asks whose function a folder is to be and how it is called, deploys it, and goes to its build. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { buildAddress } from '#page/addresses.ts';
import { ApiError } from '#page/api/client.ts';
import { bytes, counted } from '#page/format.ts';
import { useMe } from '#page/me.ts';
import { Failure } from '#page/parts/notices.tsx';
import { mayWrite } from '#page/rights.ts';
import { navigate } from '#page/router.ts';
import type { FunctionFile } from '#shared/folder/function-file.ts';
import { printable } from '#shared/printable.ts';
import { type DeployStep, deploy } from './deploy.ts';
import { nameFrom } from './name-from.ts';
import type { Folder } from './read-folder.ts';
import { useFunctionFile } from './use-function-file.ts';

const NAME = '[A-Za-z0-9_\\-]{1,100}';
const LAST_TENANT = 'knative-lambda-tenant';

export function DeployDialog({ folder, close }: { folder: Folder; close: () => void }) {
  const me = useMe();
  const dialog = useRef<HTMLDialogElement>(null);
  const read = useFunctionFile(folder.functionFile);
  const stated = read && 'file' in read && folder.functionFile !== undefined ? read.file : undefined;
  const [chosenTenant, setTenant] = useState<string>();
  const [chosenName, setName] = useState<string>();
  const tenant = chosenTenant ?? stated?.tenant ?? localStorage.getItem(LAST_TENANT) ?? me.third_party_ids[0] ?? 'demo';
  const name = chosenName ?? stated?.name ?? nameFrom(folder.name);
  const [step, setStep] = useState<DeployStep>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => dialog.current?.showModal(), []);

  const size = folder.files.reduce((sum, { file }) => sum + file.size, 0);
  const start = async () => {
    setError(undefined);
    const identity = { third_party_id: tenant, parser_id: name };
    try {
      const correlation_id = await deploy(identity, { folder, stated }, setStep);
      localStorage.setItem(LAST_TENANT, tenant);
      navigate(buildAddress({ ...identity, correlation_id }));
      close();
    } catch (problem) {
      setStep(undefined);
      setError(
        problem instanceof ApiError
          ? problem
          : new ApiError(0, { reason: 'Unavailable', detail: `The folder cannot be read: ${problem}` }),
      );
    }
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="deploy-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <h2 id="deploy-title">Deploy {folder.name}</h2>
        <p class="quiet">
          {counted(folder.files.length, 'file')}, {bytes(size)}
          {folder.leftOut > 0 &&
            `; ${counted(folder.leftOut, 'other')} left out, such as node_modules, .git and what .gitignore names`}
        </p>
        {folder.files.length === 0 && <p class="bad-text">There is nothing in it to upload.</p>}
        <label for="tenant">Tenant</label>
        {me.operator || me.third_party_ids.length === 0 ? (
          <input
            id="tenant"
            value={tenant}
            pattern={NAME}
            required
            autocomplete="off"
            onInput={(event) => setTenant(event.currentTarget.value)}
          />
        ) : (
          <select id="tenant" value={tenant} onChange={(event) => setTenant(event.currentTarget.value)}>
            {me.third_party_ids.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        )}
        <label>
          Name of the function
          <input
            value={name}
            pattern={NAME}
            required
            autocomplete="off"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <p class="quiet">{settingsText(stated)}</p>
        {read && 'problem' in read && (
          <p class="bad-text" role="alert">
            {printable(`function.yaml${read.problem}. ${read.next}`)}
          </p>
        )}
        <p aria-live="polite">{step && <Progress step={step} />}</p>
        {error && <Failure error={error} />}
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button
            type="submit"
            class="primary"
            disabled={
              step !== undefined ||
              folder.files.length === 0 ||
              read === undefined ||
              'problem' in read ||
              !mayWrite(me, tenant)
            }
          >
            Deploy
          </button>
        </div>
      </form>
    </dialog>
  );
}

function settingsText(stated: FunctionFile | undefined): string {
  if (!stated) {
    return 'A function of that name gets a new version, and keeps its settings.';
  }
  const names = Object.keys(stated.parameters ?? {});
  return `The function is set to what function.yaml says: ${names.length > 0 ? names.join(', ') : 'the defaults'}.`;
}

function Progress({ step }: { step: DeployStep }) {
  if (step.step === 'asking') {
    return <>Asking for the build…</>;
  }
  return (
    <>
      {step.step === 'reading' ? 'Reading' : 'Uploading'} {step.done} of {counted(step.of, 'file')}
    </>
  );
}
