import t from 'tap';
import { linkStep } from '../../../agent/identity/next-steps.ts';
import { CodedError } from '../../../shared/errors.ts';

const cases: readonly (readonly [codes: readonly string[], step: RegExp | undefined])[] = [
  [['ERR_ENROL_ANSWER', 'ERR_ASK', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'], /aggregator\.caFile/],
  [['ERR_PIN_CONNECT', 'ECONNREFUSED'], /is the aggregator running/],
  [['CERT_NOT_YET_VALID'], /compare the clocks/],
  [['CERT_HAS_EXPIRED'], /compare the clocks/],
  [['ERR_PIN_MISMATCH'], /aggregator\.url the right one\? Then put what nodeseal token create/],
  [['ERR_ENROL_REFUSED', 'joinTokenExpired'], /nodeseal token create join NAME/],
  [['ERR_ENROL_REFUSED', 'joinTokenUsedUp'], /nodeseal token create join NAME/],
  [['ERR_ENROL_REFUSED', 'nameTaken'], /nodeseal node retire NAME/],
  [['ERR_ENROL_REFUSED', 'tooManyFailures'], undefined],
  [['credentialMissing'], /nodeseal node retire NAME, remove node\.pem/],
  [['EACCES'], /ausearch/],
];
for (const [codes, step] of cases) {
  t.test(codes.join(' by '), async (t) => {
    const error = codes.reduceRight<Error | undefined>(
      (cause, code) => new CodedError(code, code, cause && { cause }),
      undefined,
    );
    const found = linkStep(error);
    if (step === undefined) t.equal(found, undefined);
    else t.match(found, step);
  });
}
