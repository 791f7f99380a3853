import type { CommandEntry } from '../command.ts';

/** Every command. Modules are loaded when their command is called, so that each starts fast. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ['policy', 'validate'],
    group: 'this node',
    summary: 'does containers/image accept this policy.json? else the exact place and reason',
    load: async () => (await import('./policy-validate.ts')).policyValidate,
  },
];
