import type { Rule } from '../../../shared/findings.ts';
import { derived } from './mappings.ts';

export const valid: Rule = {
  id: 'exceptions.valid',
  title: 'The file of exceptions can be used',
  severity: 'high',
  rationale:
    'A file with a mistake in it holds for nothing: which of its lines was meant how is not for a program to guess.',
  remediation: {
    kind: 'none',
    text: 'Put the place right that the message names; docs/configuration.md shows what an entry has.',
  },
  mappings: derived({ nist53: ['CM-3', 'CA-5'] }),
};

export const expired: Rule = {
  id: 'exceptions.expired',
  title: 'No exception has expired',
  severity: 'medium',
  rationale:
    'What an exception was for counts as a failure again from the moment it expires, and somebody should know why.',
  remediation: {
    kind: 'none',
    text: 'Ask its owner: put the node right and delete the entry, or give it a new date with a new reason.',
  },
  mappings: derived({ nist53: ['CM-3', 'CA-5'] }),
};

export const unused: Rule = {
  id: 'exceptions.unused',
  title: 'Every exception is for something that fails',
  severity: 'info',
  rationale:
    'An exception that covers nothing stays behind and covers the next failure, which nobody thought of.',
  remediation: { kind: 'none', text: 'Delete the entry when the failure is gone on every node.' },
  mappings: derived({ nist53: ['CM-3'] }),
};
