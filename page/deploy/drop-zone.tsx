/** The whole page takes folders: where one is dropped, or chosen by the button, it asks for a name and deploys it. */
import { useEffect, useState } from 'preact/hooks';
import { useMe } from '#page/me.ts';
import { mayWrite } from '#page/rights.ts';
import { onChosen } from './deploy-button.tsx';
import { DeployDialog } from './deploy-dialog.tsx';
import { type Folder, readDropped } from './read-folder.ts';

export function DropZone() {
  const me = useMe();
  const [isOver, setOver] = useState(false);
  const [folder, setFolder] = useState<Folder>();
  const isAllowed = mayWrite(me);
  useEffect(() => onChosen(setFolder), []);
  useEffect(() => {
    if (!isAllowed) {
      return;
    }
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onOver = (event: DragEvent) => {
      if (hasFiles(event)) {
        event.preventDefault();
        setOver(true);
      }
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) {
        setOver(false);
      }
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      if (hasFiles(event) && event.dataTransfer) {
        event.preventDefault();
        void readDropped(event.dataTransfer.items)?.then(setFolder);
      }
    };
    document.addEventListener('dragover', onOver);
    document.addEventListener('dragleave', onLeave);
    document.addEventListener('drop', onDrop);
    return () => {
      document.removeEventListener('dragover', onOver);
      document.removeEventListener('dragleave', onLeave);
      document.removeEventListener('drop', onDrop);
    };
  }, [isAllowed]);
  return (
    <>
      {isOver && (
        <div class="drop">
          <p>Drop the folder to deploy it</p>
        </div>
      )}
      {folder && <DeployDialog folder={folder} close={() => setFolder(undefined)} />}
    </>
  );
}
