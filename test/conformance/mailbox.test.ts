import { Mailbox } from '../../engine/mailbox.ts';
import { describeMailboxPolicy, MAILBOX_POLICIES } from './mailbox-policy.ts';

for (const policy of MAILBOX_POLICIES) {
  describeMailboxPolicy('Mailbox', policy, (config, onDrop) => new Mailbox(config, onDrop));
}
