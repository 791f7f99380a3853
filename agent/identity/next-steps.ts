import { type NextSteps, nextStep } from '../../shared/next-step.ts';

const TRUST =
  'name the authority of its certificate in aggregator.caFile, or enrol with a join token that ends in @sha256:… (nodeseal token create join NAME)';
const CLOCK =
  'compare the clocks (date; chronyc tracking) and set the wrong one; are they right, the aggregator needs another certificate';
const NETWORK = 'is the aggregator running, and is aggregator.url its address?';
const NEW_TOKEN =
  'put what nodeseal token create join NAME prints into /etc/nodeseal/join.token and systemctl restart nodeseal-agent';

/** Of reaching an aggregator and being let in. */
const STEPS: NextSteps = {
  DEPTH_ZERO_SELF_SIGNED_CERT: TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: TRUST,
  UNABLE_TO_GET_ISSUER_CERT: TRUST,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TRUST,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TRUST,
  CERT_SIGNATURE_FAILURE: TRUST,
  CERT_NOT_YET_VALID: CLOCK,
  CERT_HAS_EXPIRED: CLOCK,
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name of its certificate in aggregator.url',
  EPROTO: 'does aggregator.url name a port that speaks TLS?',
  ECONNREFUSED: NETWORK,
  ECONNRESET: NETWORK,
  EHOSTUNREACH: NETWORK,
  ENETUNREACH: NETWORK,
  ETIMEDOUT: NETWORK,
  ENOTFOUND:
    'the name does not resolve: correct aggregator.url or the resolver (getent hosts NAME)',
  EAI_AGAIN: 'the resolver does not answer (getent hosts NAME)',
  ERR_PIN_MISMATCH: `is aggregator.url the right one? Then ${NEW_TOKEN}`,
  ERR_PIN_SYNTAX: NEW_TOKEN,
  ERR_ENROL_TOKEN: NEW_TOKEN,
  ENOENT: 'put the file there, or correct its path in agent.yaml',
  // From here on the aggregator's own words for a refusal (RFC 9457, `code`).
  joinToken: NEW_TOKEN,
  joinTokenExpired: NEW_TOKEN,
  joinTokenUsedUp: NEW_TOKEN,
  nameNotAllowed: `set nodeName in agent.yaml, or ${NEW_TOKEN}`,
  nameTaken:
    'if this is that machine, set up anew: nodeseal node retire NAME; else choose another nodeName in agent.yaml',
  badName: 'set nodeName in agent.yaml',
  revoked: 'nodeseal node list says who revoked it; nodeseal node approve NAME lets it in again',
  credentialMissing:
    'it takes no certificate of this node. With a new authority: nodeseal node retire NAME, remove node.pem in stateDir, set a join token, restart; or a proxy in between ends TLS',
  credentialUnknown:
    'remove that token file, so that the node enrols again, or put a valid token into it',
};

/** What a person does about an attempt to connect that failed; undefined where nothing but time helps. */
export function linkStep(thrown: unknown): string | undefined {
  return nextStep(thrown, STEPS);
}
