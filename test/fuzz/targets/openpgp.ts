import { MANIFEST, REFERENCE } from '../../support/sigstore.ts';
import { openPgpKey, simplePayload, simpleSign } from '../../support/simple-signing.ts';
import type { FuzzTarget } from '../target.ts';
import { question, verificationTarget } from '../verification.ts';

/** Simple signatures, OpenPGP keys, and the policies that ask for them. */
export const openpgp: FuzzTarget = {
  name: 'openpgp',
  prepare: async (conformance) => {
    const key = await openPgpKey('ours');
    const stranger = await openPgpKey('stranger');
    const payload = simplePayload(MANIFEST, REFERENCE);
    const other = simplePayload(MANIFEST, 'registry.example.com/other:v1');
    const requirement = { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/key' };
    const files = { '/key': key.armored };
    const good = await simpleSign(key, payload);
    const own = [
      question(requirement, [good], files),
      question(requirement, [await simpleSign(stranger, payload), good], files),
      { ...question(requirement, [await simpleSign(stranger, payload)], files), isHopeless: true },
      { ...question(requirement, [await simpleSign(key, other)], files), isHopeless: true },
    ];
    return await verificationTarget(own, conformance, 'simple-signing-verify');
  },
};
