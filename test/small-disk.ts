/** A small file system of a test's own: a tmpfs in a mount namespace, which needs no rights on this machine. */

import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

/** As anybody, or where only root may. */
const namespaces = [['--user', '--map-root-user', '--mount'], ['--mount']];

/** Words after which `unshare` runs a command that may mount a tmpfs; undefined where nobody may. */
export const apart = namespaces.find(
  (words) =>
    process.platform === 'linux' &&
    spawnSync('unshare', [...words, 'mount', '-t', 'tmpfs', 'none', tmpdir()], { stdio: 'ignore' }).status === 0,
);

export const NOBODY_MOUNTS = 'this machine lets nobody mount a tmpfs in a namespace (unshare)';
