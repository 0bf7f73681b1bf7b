/** The Kubernetes objects of one YAML file. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export function readDocuments(file: string): KubeObject[] {
  return parseDocuments(readFileSync(file, 'utf8'), file);
}

/** `origin` is what an error names. */
export function parseDocuments(text: string, origin: string): KubeObject[] {
  const documents = parseAllDocuments(text);
  if ('empty' in documents) {
    return [];
  }
  return documents.flatMap((document) => {
    if (document.errors[0]) {
      throw new Error(`${origin}: ${document.errors[0].message}`);
    }
    const object = document.toJS() as KubeObject | null;
    if (object === null) {
      return [];
    }
    if (!object.apiVersion || !object.kind || !object.metadata?.name) {
      throw new Error(`${origin}: a document lacks apiVersion, kind or metadata.name`);
    }
    return [object];
  });
}
