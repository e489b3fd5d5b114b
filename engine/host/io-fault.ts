/** What went wrong with a file, in the same words wherever it happens: the system's error codes as operating faults. */

import { AnteroomError } from '../errors.ts';

/** By the system's name of the error; others are told as the system tells them. */
const reasons: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'ENOSPC: no space left on the disk',
  EDQUOT: 'EDQUOT: the disk quota is used up',
  EMFILE: 'too many files are open',
};

/** @param path as a person knows it; it leads the message. An AnteroomError is given back as it is. */
export function ioFault(path: string, cause: unknown): AnteroomError {
  if (cause instanceof AnteroomError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const options = { context: { file: path, reason: code }, cause };
  if (code === 'ENOENT') return new AnteroomError('not-found', `${path}: no such file or folder`, options);
  if (code === 'EISDIR') return new AnteroomError('io', `${path} is a directory`, options);
  const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AnteroomError('disk-full', `${path}: ${why}`, { ...options, isRetryable: true });
  return new AnteroomError('io', `${path}: ${why}`, options);
}
