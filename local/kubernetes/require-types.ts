/** Refuses values whose type does not fit, before anything else looks at them: Kubernetes cannot even read such an object. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseQuantity, QUANTITY_RULE } from '#shared/kubernetes/quantity.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { unreadable, wrongType } from './field-problem.ts';
import type { AnyFields } from './pod-spec-of.ts';

/** Covers what people get wrong (numbers and booleans for text, above all), not every field. Throws ApiError 400. */
export function requireTypes(resource: Resource, object: KubeObject): void {
  const wrong = (found: unknown, field: string, wanted: string) => {
    throw wrongType(resource, found, ownerOf(resource, field), field, wanted);
  };
  const string = (value: unknown, field: string) => {
    if (value !== undefined && typeof value !== 'string') {
      wrong(value, field, 'string');
    }
  };
  const fields = (value: unknown, field: string, wanted = 'struct'): AnyFields => {
    if (value !== undefined && !isFields(value)) {
      wrong(value, field, wanted);
    }
    return (value as AnyFields | undefined) ?? {};
  };
  const strings = (map: unknown, field: string) => {
    for (const value of Object.values(fields(map, field, 'map[string]string'))) {
      string(value, field);
    }
  };
  const list = (value: unknown, field: string): unknown[] => {
    if (value !== undefined && !Array.isArray(value)) {
      wrong(value, field, '[]');
    }
    return (value as unknown[] | undefined) ?? [];
  };
  const items = (value: unknown, field: string) => list(value, field).map((item) => fields(item, field));

  const { metadata } = object;
  for (const field of ['name', 'namespace', 'generateName', 'uid', 'resourceVersion'] as const) {
    string(metadata[field], `metadata.${field}`);
  }
  strings(metadata.labels, 'metadata.labels');
  strings(metadata.annotations, 'metadata.annotations');
  for (const finalizer of list(metadata.finalizers, 'metadata.finalizers')) {
    string(finalizer, 'metadata.finalizers');
  }
  items(metadata.ownerReferences, 'metadata.ownerReferences');
  if (resource.kind === 'ConfigMap' || resource.kind === 'Secret') {
    for (const field of ['data', 'stringData', 'binaryData']) {
      strings(object[field], field);
    }
    requireBase64(resource, object[resource.kind === 'Secret' ? 'data' : 'binaryData']);
  }
  const template = fields(fields(object['spec'], 'spec')['template'], 'spec.template');
  const templateMeta = fields(template['metadata'], 'spec.template.metadata');
  strings(templateMeta['labels'], 'spec.template.metadata.labels');
  strings(templateMeta['annotations'], 'spec.template.metadata.annotations');
  const isPod = resource.kind === 'Pod';
  const spec = isPod ? (object['spec'] ?? {}) : fields(template['spec'], 'spec.template.spec');
  const path = isPod ? 'spec' : 'spec.template.spec';
  for (const group of ['containers', 'initContainers']) {
    for (const container of items(spec[group], `${path}.${group}`)) {
      const at = (field: string) => `${path}.${group}.${field}`;
      for (const field of ['name', 'image', 'workingDir']) {
        string(container[field], at(field));
      }
      for (const field of ['command', 'args']) {
        for (const part of list(container[field], at(field))) {
          string(part, at(field));
        }
      }
      for (const field of ['volumeMounts', 'ports', 'envFrom']) {
        items(container[field], at(field));
      }
      for (const variable of items(container['env'], at('env'))) {
        string(variable['name'], at('env.name'));
        string(variable['value'], at('env.value'));
      }
      const resources = fields(container['resources'], at('resources'));
      for (const field of ['limits', 'requests']) {
        requireQuantities(resource, fields(resources[field], at(`resources.${field}`)));
      }
    }
  }
  items(spec['volumes'], `${path}.volumes`);
}

/** As Go's decoder names it: the innermost type that has the field. */
function ownerOf(resource: Resource, field: string): string {
  if (/env\.(name|value)$/.test(field)) {
    return 'EnvVar';
  }
  if (/ontainers\.\w+$/.test(field)) {
    return 'Container';
  }
  return field.includes('metadata.') ? 'ObjectMeta' : resource.kind;
}

function requireQuantities(resource: Resource, amounts: AnyFields): void {
  for (const amount of Object.values(amounts)) {
    if (parseQuantity(amount) === undefined) {
      throw unreadable(resource, QUANTITY_RULE);
    }
  }
}

function requireBase64(resource: Resource, data: AnyFields = {}): void {
  for (const value of Object.values(data)) {
    const at = /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? -1 : value.search(/[^A-Za-z0-9+/]/);
    if (at >= 0) {
      throw unreadable(resource, `illegal base64 data at input byte ${at}`);
    }
  }
}

function isFields(value: unknown): value is AnyFields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
