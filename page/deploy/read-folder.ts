/** The files of a folder that was dropped on the page, or chosen. */
import { FUNCTION_FILE, GITIGNORE, ignoresOf } from '#shared/folder/left-out.ts';

export interface Folder {
  name: string;
  files: { path: string; file: File }[];
  /** Files that are not uploaded. Those in folders that are not looked into do not count. */
  leftOut: number;
  /** The text of its function.yaml, where it has one. */
  functionFile?: string | undefined;
}

/** As many as the platform takes. A folder beyond that is one dropped by mistake. */
const MOST_FILES = 10_000;

/** Undefined where no folder was dropped. Has to be called before the event of the drop is over. */
export function readDropped(items: DataTransferItemList): Promise<Folder> | undefined {
  const entries = [...items].flatMap((item) => (item.kind === 'file' ? (item.webkitGetAsEntry() ?? []) : []));
  const [first] = entries;
  if (first === undefined) {
    return undefined;
  }
  return first.isDirectory && entries.length === 1
    ? readFolder(first as FileSystemDirectoryEntry)
    : readEntries(first.name.replace(/\.[^.]*$/, ''), entries, '');
}

/** `input` has the attribute webkitdirectory: every file's path begins with the folder's name. */
export async function readChosen(list: FileList): Promise<Folder> {
  const name = list[0]?.webkitRelativePath.split('/')[0] ?? '';
  // Before anything is waited for: the list is empty as soon as something else may be chosen.
  const files = [...list].map((file) => ({ path: file.webkitRelativePath.split('/').slice(1).join('/'), file }));
  const textOf = async (path: string) => await files.find((one) => one.path === path)?.file.text();
  const ignores = ignoresOf(await textOf(GITIGNORE));
  const kept = files.filter(({ path }) => path !== '' && !ignores(path));
  return { name, files: kept, leftOut: files.length - kept.length, functionFile: await textOf(FUNCTION_FILE) };
}

async function readFolder(entry: FileSystemDirectoryEntry): Promise<Folder> {
  return await readEntries(entry.name, await childrenOf(entry), `${entry.name}/`);
}

/** `prefix` is what the paths begin with beside what the platform sees. */
async function readEntries(name: string, entries: FileSystemEntry[], prefix: string): Promise<Folder> {
  const textOf = async (wanted: string) => {
    const entry = entries.find((one) => one.isFile && one.name === wanted);
    return entry && (await (await fileOf(entry as FileSystemFileEntry)).text());
  };
  const ignores = ignoresOf(await textOf(GITIGNORE));
  const folder: Folder = { name, files: [], leftOut: 0, functionFile: await textOf(FUNCTION_FILE) };
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    const path = entry.fullPath.slice(1 + prefix.length);
    if (ignores(entry.isDirectory ? `${path}/` : path)) {
      folder.leftOut += 1;
    } else if (entry.isDirectory) {
      for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) {
        await walk(child);
      }
    } else if (folder.files.length < MOST_FILES + 1) {
      folder.files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
    }
  };
  for (const entry of entries) {
    await walk(entry);
  }
  return folder;
}

/** The browser gives a hundred at a time. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) {
      return all;
    }
    all.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
