import type { CommandEntry } from '../command.ts';

/** Every command. Modules are loaded when their command is called, so that each starts fast. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ['check'],
    group: 'this node',
    summary: 'ask every rule of this node: SELinux, FIPS, seccomp, image trust, drift',
    load: async () => (await import('./check.ts')).check,
  },
  {
    path: ['verify'],
    group: 'this node',
    summary: "judge the images in this node's store by its policy",
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    path: ['verify-signature'],
    group: 'this node',
    summary: 'verify one signature of one manifest, as skopeo standalone-verify',
    load: async () => (await import('./verify-signature.ts')).verifySignatureCommand,
  },
  {
    path: ['policy', 'validate'],
    group: 'this node',
    summary: 'does containers/image accept this policy.json? else the exact place and reason',
    load: async () => (await import('./policy-validate.ts')).policyValidate,
  },
  {
    path: ['policy', 'resolve'],
    group: 'this node',
    summary: 'which entry of a policy speaks for an image, and where are its signatures',
    load: async () => (await import('./policy-resolve.ts')).policyResolve,
  },
  {
    path: ['policy', 'evaluate'],
    group: 'this node',
    summary: 'does a policy accept this manifest under this name with these signatures',
    load: async () => (await import('./policy-evaluate.ts')).policyEvaluate,
  },
  {
    path: ['policy', 'diff'],
    group: 'this node',
    summary: 'what changes between two policies: weakened, strengthened, neutral',
    load: async () => (await import('./policy-diff.ts')).policyDiff,
  },
  {
    path: ['trust', 'show'],
    group: 'this node',
    summary: 'which images this node trusts and by whose signature, every field',
    load: async () => (await import('./trust-show.ts')).trustShow,
  },
  {
    path: ['baseline', 'capture'],
    group: 'this node',
    summary: 'accept the state of this node for the first time',
    load: async () => (await import('./baseline.ts')).capture,
  },
  {
    path: ['baseline', 'show'],
    group: 'this node',
    summary: 'what was accepted, and what differs from it now',
    load: async () => (await import('./baseline.ts')).show,
  },
  {
    path: ['baseline', 'accept'],
    group: 'this node',
    summary: 'accept the state of this node as it is now, in place of the last',
    load: async () => (await import('./baseline.ts')).accept,
  },
  {
    path: ['explain'],
    group: 'this node',
    summary: 'what a rule asks, why, how to put it right, which controls it maps to',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    path: ['get'],
    group: 'the fleet',
    summary: 'list nodes, findings, images, drift, events, checks, policies',
    load: async () => (await import('./get.ts')).get,
  },
  {
    path: ['describe'],
    group: 'the fleet',
    summary: 'one node with everything one would ask next',
    load: async () => (await import('./describe.ts')).describe,
  },
  {
    path: ['watch'],
    group: 'the fleet',
    summary: 'follow findings, events or nodes as they change',
    load: async () => (await import('./watch.ts')).watch,
  },
  {
    path: ['status'],
    group: 'the fleet',
    summary: 'the fleet at one glance; a gate with --require-coverage',
    load: async () => (await import('./status.ts')).status,
  },
  {
    path: ['rescan'],
    group: 'the fleet',
    summary: 'ask nodes to look at everything now',
    load: async () => (await import('./rescan.ts')).rescan,
  },
  {
    path: ['config', 'get-contexts'],
    group: 'nodeseal itself',
    summary: 'which aggregators can be asked',
    load: async () => (await import('./config.ts')).getContexts,
  },
  {
    path: ['config', 'use-context'],
    group: 'nodeseal itself',
    summary: 'which aggregator is asked from now on',
    load: async () => (await import('./config.ts')).useContext,
  },
  {
    path: ['config', 'set-context'],
    group: 'nodeseal itself',
    summary: 'add or change an aggregator',
    load: async () => (await import('./config.ts')).setContext,
  },
  {
    path: ['config', 'view'],
    group: 'nodeseal itself',
    summary: 'print the configuration',
    load: async () => (await import('./config.ts')).view,
  },
  {
    path: ['version'],
    group: 'nodeseal itself',
    summary: 'version of this program',
    load: async () => (await import('./version.ts')).version,
  },
];
