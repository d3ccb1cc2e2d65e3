import type { Obj } from '../store/object.ts';
import { AGE, ageText, type Column, columnsOf, NAME } from './columns.ts';
import type { PrinterColumn } from './crd.ts';
import { valueAt } from './json-path.ts';

/** How clients want a list: `kubectl get` asks for `meta.k8s.io/v1` Tables. */
export interface TableFormat {
  columns: Column[];
  /** With `includeObject=Object`, for `--sort-by` and the like: all of it, not its metadata alone. */
  whole: boolean;
}

export function tableFormat(kind: string, custom: PrinterColumn[] | undefined, whole: boolean): TableFormat {
  const own = custom?.map(customColumn);
  return { columns: own === undefined ? columnsOf(kind) : [NAME, ...(own.length > 0 ? own : [AGE])], whole };
}

function customColumn({ name, type, jsonPath, priority = 0 }: PrinterColumn): Column {
  const date = type === 'date';
  return {
    name,
    type: date ? 'string' : type,
    value: (object) => (date ? ageText(valueAt(object, jsonPath)) : valueAt(object, jsonPath)),
    wide: priority > 0,
  };
}

export function table(format: TableFormat, items: Obj[], version = '', more?: string) {
  const { columns, whole } = format;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: version, ...(more === undefined ? {} : { continue: more }) },
    columnDefinitions: columns.map(({ name, type, wide }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide ? 1 : 0,
    })),
    rows: items.map((object) => ({
      cells: columns.map(({ value }) => value(object) ?? ''),
      object: whole
        ? object
        : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}
