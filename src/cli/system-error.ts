/** What the operating system answers, in the words of whoever typed the command. */
const WORDS: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'it is not allowed',
  EPERM: 'it is not allowed',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  ELOOP: 'it is a link that leads back to itself',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  EADDRINUSE: 'somebody else listens there already',
  ERR_INVALID_ARG_VALUE: 'no file can have that name',
};

/** Whether an error comes from the operating system rather than from a mistake of ours. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && ('syscall' in error || hasNullByte(error));
}

/** Why something did not work, on one line and without the names of system calls. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return WORDS[code] ?? error.message.split('\n')[0] ?? '';
}

/** A whole sentence, for errors that nobody has said anything about: what was tried, and with what. */
export function systemSentence(error: NodeJS.ErrnoException): string {
  if (hasNullByte(error)) return `a name holds a null byte: ${reasonOf(error)}`;
  const { path, syscall = 'do that' } = error;
  const what = error.code === 'EADDRINUSE' ? portOf(error) : (path ?? syscall);
  return `${what}: ${reasonOf(error)}`;
}

/** What Node.js says of a name before it asks the operating system. */
function hasNullByte(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes');
}

function portOf(error: NodeJS.ErrnoException & { port?: number }): string {
  return error.port === undefined ? 'the port' : `port ${error.port}`;
}
