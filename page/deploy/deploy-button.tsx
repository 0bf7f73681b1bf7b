/** For whoever does not drag: chooses a folder by the browser's own dialog. */
import { useRef } from 'preact/hooks';
import { type Folder, readChosen } from './read-folder.ts';

const listeners = new Set<(folder: Folder) => void>();

export function onChosen(listener: (folder: Folder) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A folder instead of a file. The list of attributes that TypeScript knows does not have it. */
const FOLDERS = { webkitdirectory: true };

export function DeployButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="primary" onClick={() => input.current?.click()}>
        Deploy a folder
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="Folder to deploy"
        {...FOLDERS}
        onChange={(event) => {
          const { files } = event.currentTarget;
          if (files && files.length > 0) {
            void readChosen(files).then((folder) => {
              for (const listener of listeners) {
                listener(folder);
              }
            });
          }
          // The same folder may be chosen again.
          event.currentTarget.value = '';
        }}
      />
    </>
  );
}
