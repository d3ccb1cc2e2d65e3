import type { KubeStatus } from '../../api/kubernetes.ts';

/** An error as the API server answers it: a `Status` with its HTTP code. */
export class StatusError extends Error {
  readonly body: Required<Pick<KubeStatus, 'code' | 'reason' | 'message'>> & Pick<KubeStatus, 'details'>;

  constructor(code: number, reason: string, message: string, details?: KubeStatus['details'] & object) {
    super(message);
    this.body = { code, reason, message, ...(details ? { details } : {}) };
  }
}

export const notFound = (resource: string, name: string) =>
  new StatusError(404, 'NotFound', `${resource} "${name}" not found`, { name, kind: resource });
export const conflict = (resource: string, name: string) =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );
export const alreadyExists = (resource: string, name: string) =>
  new StatusError(409, 'AlreadyExists', `${resource} "${name}" already exists`);
export const conflictingUid = (wanted: string, actual: string | undefined) =>
  new StatusError(
    409,
    'Conflict',
    `the UID in the precondition (${wanted}) does not match the UID in record (${actual}). The object might have been deleted and then recreated`,
  );
export const forbidden = (message: string) => new StatusError(403, 'Forbidden', message);
export const badRequest = (message: string) => new StatusError(400, 'BadRequest', message);
export const gone = (message: string) => new StatusError(410, 'Expired', message);
export const invalid = (kind: string, name: string, causes: { field: string; message: string }[]) =>
  new StatusError(
    422,
    'Invalid',
    `${kind} "${name}" is invalid: ${causes.map(({ field, message }) => `${field}: ${message}`).join(', ')}`,
    { causes: causes.map((cause) => ({ reason: 'FieldValueInvalid', ...cause })) },
  );
