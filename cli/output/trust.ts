export { requirementText, signatureText } from '../../shared/trust-text.ts';
