/** Reading access logs. */

export { formatNamed, formats } from './formats.ts';
export { type OpenedSource, type OpenOptions, openSource } from './open.ts';
