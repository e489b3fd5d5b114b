/** Bugs that the simulation can plant in the node's path, each of a kind that reviews let through. */

export const bugs = {
  'acknowledge-before-append': 'a post is acknowledged when it arrives, not when it is in the log',
  'dedupe-forgotten': 'what was appended by whom is remembered until the process dies, not longer',
  'no-dedupe': 'posts go into the log without their producer and sequence',
  'dirty-checkpoint': 'the state is saved while an entry is half told, under the position before it',
  'stale-checkpoint': 'a restart takes the oldest checkpoint and replays from the position of the newest',
  'checkpoint-unverified': 'a restart takes the newest checkpoint without looking whether it is what was written',
  'reply-consumed-twice': 'an answer counts although its request is no longer open',
  'credit-lost': 'a message that had to wait for room never gives its credit back',
  'batches-out-of-order': 'now and then two entries are told in the wrong order',
  'watermark-back': 'the watermark is the time of the last access, not the latest time',
  'unbounded-mailbox': 'the mailbox before the log takes whatever comes',
  'admission-ignored': 'posts are let in although the queue to the state is full',
  'window-ignored': 'a place tells its peers of more room than it has',
  'clock-followed':
    'a running process goes by the wall clock, which someone may set, instead of counting from its start',
  'told-before-recovered': 'new entries are told while those before them are still being read from the log',
  'restart-without-replay': 'a restart loads the checkpoint and goes on at the end of the log',
} as const;

export type Bug = keyof typeof bugs;

export const bugNames = Object.keys(bugs) as readonly Bug[];

/** Those that can be planted around the whole node, at its ports; the others need a hand inside. */
export const engineBugs: readonly Bug[] = [
  'acknowledge-before-append',
  'dedupe-forgotten',
  'restart-without-replay',
  'clock-followed',
];

export function isBug(name: string): name is Bug {
  return Object.hasOwn(bugs, name);
}
