import type { Check } from '../check.ts';
import { agent } from './agent.ts';
import { exceptions } from './exceptions.ts';
import { fips } from './fips.ts';
import { images } from './images.ts';
import { lockdown } from './lockdown.ts';
import { node } from './node.ts';
import { registries } from './registries.ts';
import { runtime } from './runtime.ts';
import { seccomp } from './seccomp.ts';
import { selinux } from './selinux.ts';
import { trustPolicy } from './trust-policy.ts';

/** Every question the agent asks its node, in the order of reports. */
export const checks: readonly Check[] = [
  selinux,
  fips,
  seccomp,
  runtime,
  trustPolicy,
  registries,
  lockdown,
  node,
  images,
  agent,
  exceptions,
];
