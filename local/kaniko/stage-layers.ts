/** The layers of a stage, one for each step that changed a file, as Kaniko takes its snapshots. */
import type { ContentStore } from '#local/registry/content-store.ts';
import type { Layer } from '#local/registry/oci-image.ts';
import { type TreeState, treeChanges, treeState } from './tree-changes.ts';
import { writeLayer } from './write-layer.ts';

/** Where the layers' blobs go. */
export interface LayerTarget {
  contents: ContentStore;
  repository: string;
}

export class StageLayers {
  readonly layers: Layer[];
  readonly #target: LayerTarget;
  readonly #rootfs: string;
  #state: TreeState;

  /** `layers` are what is in `rootfs` now. */
  constructor(target: LayerTarget, rootfs: string, layers: readonly Layer[]) {
    this.#target = target;
    this.#rootfs = rootfs;
    this.layers = [...layers];
    this.#state = treeState(rootfs);
  }

  /** After a step. `text` is the instruction, by which its layer is found in the image's history. */
  async take(text: string): Promise<void> {
    const state = treeState(this.#rootfs);
    const changes = treeChanges(this.#state, state);
    this.#state = state;
    if (changes.written.length > 0 || changes.deleted.length > 0) {
      const { contents, repository } = this.#target;
      this.layers.push(await writeLayer(contents, repository, this.#rootfs, changes, text));
    }
  }
}
